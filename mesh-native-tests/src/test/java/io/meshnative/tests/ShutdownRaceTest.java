package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.Registrar;
import io.meshnative.spi.TrustSource;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client that ends while everybody still uses it. */
@Timeout(120)
class ShutdownRaceTest {
  private static final Destination DB = Destination.parse("db");
  private static final int MOST_SOCKETS = 60;
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");

  private static void await(java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(condition);
  }

  /** A catalog whose deregistration takes as long as the test wants, and can be interrupted. */
  private static final class SlowCatalog implements Registrar {
    private final CountDownLatch registered = new CountDownLatch(1);
    private final CountDownLatch leaving = new CountDownLatch(1);
    private final CountDownLatch go = new CountDownLatch(1);
    private final AtomicInteger deregistered = new AtomicInteger();

    @Override
    public void register(Registration registration) {
      registered.countDown();
    }

    @Override
    public void deregister() throws IOException {
      leaving.countDown();
      try {
        if (!go.await(60, TimeUnit.SECONDS)) {
          throw new IOException("nobody let go");
        }
      } catch (InterruptedException e) {
        throw new java.io.InterruptedIOException("interrupted");
      }
      deregistered.incrementAndGet();
    }
  }

  private record Registering(FakeControlPlane plane, Registrar catalog) implements ControlPlane {
    @Override
    public IdentitySource identity() {
      return plane.identity();
    }

    @Override
    public TrustSource trust() {
      return plane.trust();
    }

    @Override
    public IntentionSource intentions() {
      return plane.intentions();
    }

    @Override
    public EndpointSource endpoints() {
      return plane.endpoints();
    }

    @Override
    public Optional<Registrar> registrar() {
      return Optional.of(catalog);
    }

    @Override
    public void close() {
      plane.close();
    }
  }

  private MeshClient registered(SlowCatalog catalog) throws Exception {
    MeshClient web =
        MeshClient.builder("web")
            .controlPlane(new Registering(webPlane, catalog))
            .register(Registration.ofListener())
            .build();
    web.listen(ANY_PORT, ListenOptions.defaults());
    assertThat(catalog.registered.await(60, TimeUnit.SECONDS)).isTrue();
    return web;
  }

  @Test
  void closingOnAnInterruptedThreadStillDeregistersAndLeavesTheInterrupt() throws Exception {
    SlowCatalog catalog = new SlowCatalog();
    MeshClient web = registered(catalog);
    catalog.go.countDown();
    CompletableFuture<Boolean> closing =
        Background.supply(() -> {
          Thread.currentThread().interrupt();
          web.close();
          return Thread.currentThread().isInterrupted();
        });
    assertThat(closing.get(60, TimeUnit.SECONDS)).isTrue();
    assertThat(catalog.deregistered).hasValue(1);
    assertThat(web.state()).isEqualTo(MeshState.CLOSED);
  }

  @Test
  void theStageOfAShutdownWaitsForACloseThatGotInBetween() throws Exception {
    SlowCatalog catalog = new SlowCatalog();
    MeshClient web = registered(catalog);
    CompletableFuture<Void> closing = Background.run(web::close);
    assertThat(catalog.leaving.await(60, TimeUnit.SECONDS)).isTrue();
    CompletableFuture<Void> first = web.shutdown(Duration.ZERO).toCompletableFuture();
    CompletableFuture<Void> second = web.shutdown(Duration.ofSeconds(30)).toCompletableFuture();
    assertThat(web.state()).isNotEqualTo(MeshState.CLOSED);
    assertThat(first).isNotDone();
    assertThat(second).isNotDone();
    catalog.go.countDown();
    first.get(60, TimeUnit.SECONDS);
    second.get(60, TimeUnit.SECONDS);
    closing.get(60, TimeUnit.SECONDS);
    assertThat(web.state()).isEqualTo(MeshState.CLOSED);
    assertThat(catalog.deregistered).hasValue(1);
    web.close();
    web.shutdown(Duration.ofSeconds(30)).toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  @Test
  void closeEndsAShutdownThatDrains() throws Exception {
    MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
    try (MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, ListenOptions.defaults()))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      SSLSocket open = web.dial("db");
      Echo.ping(open);
      CompletableFuture<Void> drained = web.shutdown(Duration.ofDays(1)).toCompletableFuture();
      Echo.ping(open); // what is open goes on
      try (SSLSocket another = web.dial("db")) {
        Echo.ping(another); // for those whom it serves
      }
      assertThatThrownBy(() -> web.listen(ANY_PORT, ListenOptions.defaults()))
          .isInstanceOf(MeshNotReadyException.class);
      assertThat(drained).isNotDone();
      web.close();
      drained.get(60, TimeUnit.SECONDS);
      assertThat(open.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  void nothingThatIsDialledAcceptedOrAdmittedDuringAShutdownOutlivesIt(String provider)
      throws Exception {
    HttpRequestView request = HttpRequestView.of("GET", "/", List.of("web"), Map.of());
    for (int round = 0; round < 4; round++) {
      FakeControlPlane leaving = FakeControlPlane.allowingAll(authority, "leaver");
      MeshClient leaver = Engines.builder("leaver", provider).controlPlane(leaving).build();
      Queue<Socket> sockets = new ConcurrentLinkedQueue<>();
      Queue<Throwable> unexpected = new ConcurrentLinkedQueue<>();
      AtomicInteger admitted = new AtomicInteger();
      AtomicInteger told = new AtomicInteger();
      AtomicBoolean over = new AtomicBoolean();
      try (MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
          Echo echo = new Echo(db.listen(ANY_PORT, ListenOptions.defaults()))) {
        leaving.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
        MeshServerSocket server = leaver.listen(ANY_PORT, ListenOptions.defaults());
        dbPlane.endpoints(
            "leaver", FakeControlPlane.endpoint(authority, "leaver", server.getLocalPort()));
        List<CompletableFuture<Void>> users =
            List.of(
                user(over, unexpected, () -> keep(sockets, leaver.dial("db"))),
                user(over, unexpected, () -> keep(sockets, db.dial("leaver"))),
                user(
                    over,
                    unexpected,
                    () -> {
                      SSLSocket socket = server.accept();
                      keep(sockets, socket);
                      leaver.admit(
                          leaver.peer(socket.getSession()),
                          request,
                          gone -> told.incrementAndGet());
                      admitted.incrementAndGet();
                    }));
        await(() -> admitted.get() > 2);
        CompletableFuture<Void> stage =
            leaver.shutdown(Duration.ofMillis(20L * round)).toCompletableFuture();
        if (round % 2 == 1) {
          CompletableFuture<Void> ignored = Background.run(leaver::close);
        }
        stage.get(60, TimeUnit.SECONDS);
        assertThat(leaver.state()).isEqualTo(MeshState.CLOSED);
        assertThatThrownBy(() -> leaver.dial("db")).isInstanceOf(MeshNotReadyException.class);
        over.set(true);
        for (CompletableFuture<Void> user : users) {
          user.get(60, TimeUnit.SECONDS);
        }
        assertThat(unexpected).isEmpty();
        await(() -> leaver.snapshot().connections().isEmpty());
        assertThat(told.get()).isLessThanOrEqualTo(admitted.get());
        for (Socket socket : sockets) {
          if (!isOver(socket)) {
            await(() -> isOver(socket));
          }
        }
      } finally {
        over.set(true);
        leaver.close();
        for (Socket socket : sockets) {
          socket.close();
        }
      }
      await(() ->
          Thread.getAllStackTraces().keySet().stream()
              .noneMatch(thread -> thread.getName().startsWith("mesh-leaver-")));
    }
  }

  /** Some stay open until somebody ends them; no test needs thousands. */
  private static void keep(Queue<Socket> sockets, SSLSocket socket) throws IOException {
    if (sockets.size() < MOST_SOCKETS) {
      sockets.add(socket);
    } else {
      socket.close();
    }
  }

  /** Closed here, or by the other end. */
  private static boolean isOver(Socket socket) {
    try {
      socket.setSoTimeout(1);
      return socket.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private interface Use {
    void run() throws IOException;
  }

  private static CompletableFuture<Void> user(
      AtomicBoolean over, Queue<Throwable> unexpected, Use use) {
    return Background.run(() -> {
      while (!over.get()) {
        try {
          use.run();
        } catch (IOException e) {
          // Refused, cut or closed: that is what happens to those who come late.
        } catch (IllegalArgumentException e) {
          // The peer was gone before it was asked about.
        } catch (RuntimeException | Error e) {
          unexpected.add(e);
        }
      }
    });
  }

  // ---- handshakes that hang ----

  @Test
  void aSocketOfTheFactoryThatHangsInItsHandshakeEndsWithTheClient() throws Exception {
    MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
    try (ServerSocket silent = new ServerSocket(0, 3, InetAddress.getLoopbackAddress())) {
      CompletableFuture<Throwable> connecting =
          failing(() -> web.sslSocketFactory(DB).createSocket("127.0.0.1", silent.getLocalPort()));
      Socket one = inItsHandshake(silent);
      CompletableFuture<Throwable> layered =
          failing(() -> {
            Socket raw = new Socket("127.0.0.1", silent.getLocalPort());
            ((SSLSocket) web.sslSocketFactory(DB).createSocket(raw, "db", 1, true))
                .startHandshake();
          });
      Socket two = inItsHandshake(silent);
      CompletableFuture<Throwable> deferred =
          failing(() -> {
            Socket socket = web.sslSocketFactory(DB).createSocket();
            socket.connect(silent.getLocalSocketAddress(), 10 * 60_000);
          });
      Socket three = inItsHandshake(silent);
      web.close();
      for (CompletableFuture<Throwable> failure : List.of(connecting, layered, deferred)) {
        assertThat(failure.get(60, TimeUnit.SECONDS))
            .isInstanceOf(MeshNotReadyException.class)
            .hasMessageContaining("closed before the handshake");
      }
      for (Socket accepted : List.of(one, two, three)) {
        assertEnded(accepted);
        accepted.close();
      }
      Socket raw = new Socket("127.0.0.1", silent.getLocalPort());
      SSLSocket late = (SSLSocket) web.sslSocketFactory(DB).createSocket();
      assertThatThrownBy(() -> late.connect(silent.getLocalSocketAddress()))
          .isInstanceOf(IOException.class);
      raw.close();
    }
  }

  @Test
  void aLayeredServerSocketThatHangsInItsHandshakeEndsWithTheClient() throws Exception {
    MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
    try (ServerSocket listening = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket silent = new Socket(listening.getInetAddress(), listening.getLocalPort());
        Socket accepted = listening.accept()) {
      SSLSocket callee =
          (SSLSocket)
              db.serverContext()
                  .getSocketFactory()
                  .createSocket(accepted, "127.0.0.1", silent.getLocalPort(), true);
      Thread[] shaking = new Thread[1];
      CompletableFuture<Throwable> failure =
          failing(() -> {
            shaking[0] = Thread.currentThread();
            callee.startHandshake();
          });
      await(() ->
          shaking[0] != null
              && List.of(shaking[0].getStackTrace()).stream()
                  .anyMatch(frame -> frame.getClassName().contains("NioSocketImpl")));
      db.close();
      assertThat(failure.get(60, TimeUnit.SECONDS)).isInstanceOf(MeshNotReadyException.class);
      assertEnded(silent);
    }
  }

  /** Without another word, be it by a reset. */
  private static void assertEnded(Socket socket) throws IOException {
    socket.setSoTimeout(60_000);
    try {
      assertThat(socket.getInputStream().read()).isEqualTo(-1);
    } catch (java.net.SocketException e) {
      assertThat(e).hasMessageContaining("reset");
    }
  }

  /** The ClientHello has come. */
  private static Socket inItsHandshake(ServerSocket silent) throws IOException {
    Socket accepted = silent.accept();
    accepted.setSoTimeout(60_000);
    byte[] header = accepted.getInputStream().readNBytes(5);
    assertThat(header[0]).isEqualTo((byte) 22);
    int length = (header[3] & 0xff) << 8 | header[4] & 0xff;
    assertThat(accepted.getInputStream().readNBytes(length)).hasSize(length);
    return accepted;
  }

  private static CompletableFuture<Throwable> failing(Use use) {
    CompletableFuture<Throwable> failure = new CompletableFuture<>();
    CompletableFuture<Void> ignored =
        Background.run(() -> {
          try {
            use.run();
            failure.complete(null);
          } catch (IOException | RuntimeException e) {
            failure.complete(e);
          }
        });
    return failure;
  }
}
