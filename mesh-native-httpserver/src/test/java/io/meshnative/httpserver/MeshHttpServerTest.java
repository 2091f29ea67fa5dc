package io.meshnative.httpserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.BasicAuthenticator;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** What users of the JDK's server expect of it, and what is different here. */
@Timeout(300)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MeshHttpServerTest {
  private final Mesh mesh = new Mesh();
  private final List<MeshHttpServer> servers = new ArrayList<>();

  private MeshHttpServer server() throws IOException {
    return keep(mesh.server());
  }

  private MeshHttpServer keep(MeshHttpServer server) {
    servers.add(server);
    return server;
  }

  @AfterEach
  void stopServers() {
    servers.forEach(server -> server.stop(0));
    servers.clear();
  }

  @AfterAll
  void close() {
    mesh.close();
  }

  private static HttpHandler answering(String text) {
    return exchange -> answer(exchange, text);
  }

  private static void answer(HttpExchange exchange, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  @Test
  void theLongestContextHandlesAndOthersAreNotFound() throws Exception {
    MeshHttpServer server = server();
    server.createContext("/a", answering("short"));
    HttpContext late = server.createContext("/a/b");
    server.start();
    late.setHandler(answering("long"));
    server.createContext("/x", answering("added"));

    assertThat(mesh.body(server, "/a/c")).isEqualTo("short");
    assertThat(mesh.body(server, "/a/b/c")).isEqualTo("long");
    assertThat(mesh.body(server, "/x?y")).isEqualTo("added");
    assertThat(mesh.status(server, "/")).isEqualTo(404);
    server.removeContext("/x");
    assertThat(mesh.status(server, "/x")).isEqualTo(404);
    server.removeContext(late);
    assertThat(mesh.body(server, "/a/b/c")).isEqualTo("short");
    server.createContext("/nothing");
    assertThat(mesh.status(server, "/nothing")).isEqualTo(500);
  }

  @Test
  void contextsAreManagedAsTheJdksAre() throws Exception {
    MeshHttpServer server = server();
    HttpContext context = server.createContext("/a", answering("a"));
    assertThat(context.getPath()).isEqualTo("/a");
    assertThat(context.getServer()).isSameAs(server);
    assertThatThrownBy(() -> context.setHandler(answering("b")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> server.createContext("/a"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> server.createContext("a"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> server.createContext("/b", null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> server.removeContext("/b"))
        .isInstanceOf(IllegalArgumentException.class);
    server.removeContext(context);
    assertThatThrownBy(() -> server.removeContext(context))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Nothing of the application sees a request before it is admitted, wherever it is put. */
  @Test
  void filtersAndAuthenticatorsLieBehindTheJudgement() throws Exception {
    MeshHttpServer server = server();
    List<String> saw = new ArrayList<>();
    HttpContext context =
        server.createContext(
            "/",
            exchange -> {
              saw.add("handler " + MeshHttpServer.peer(exchange).service().service());
              answer(exchange, exchange.getPrincipal().getUsername());
            });
    context.getFilters().add(0, noting(saw, "filter"));
    context.setAuthenticator(
        new BasicAuthenticator("realm") {
          @Override
          public boolean checkCredentials(String user, String password) {
            saw.add("authenticator " + user);
            return password.equals("secret");
          }
        });
    server.start();

    assertThat(mesh.status(server, "/a;b", basic("ann:secret"))).isEqualTo(400);
    assertThat(saw).isEmpty();
    assertThat(mesh.body(server, "/", basic("ann:secret"))).isEqualTo("ann");
    assertThat(saw).containsExactly("filter web", "authenticator ann", "handler web");
    saw.clear();
    assertThat(mesh.status(server, "/", basic("ann:wrong"))).isEqualTo(401);
    assertThat(saw).containsExactly("filter web", "authenticator ann");
    assertThat(mesh.status(server, "/")).isEqualTo(401);
  }

  private static String basic(String credentials) {
    return "Authorization: Basic "
        + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8));
  }

  private static Filter noting(List<String> saw, String what) {
    return new Filter() {
      @Override
      public void doFilter(HttpExchange exchange, Chain chain) throws IOException {
        saw.add(what + " " + MeshHttpServer.peer(exchange).service().service());
        chain.doFilter(exchange);
      }

      @Override
      public String description() {
        return what;
      }
    };
  }

  @Test
  void anAuthenticatorThatFailsOrSaysNothingLetsNobodyIn() throws Exception {
    MeshHttpServer server = server();
    AtomicReference<Authenticator.Result> result = new AtomicReference<>();
    server
        .createContext("/", answering("in"))
        .setAuthenticator(
            new Authenticator() {
              @Override
              public Result authenticate(HttpExchange exchange) {
                return result.get();
              }
            });
    server.start();
    result.set(new Authenticator.Failure(418));
    assertThat(mesh.status(server, "/")).isEqualTo(418);
    result.set(null);
    assertThat(mesh.ask(server, "/")).isEmpty();
  }

  /** Those of the JDK's exchanges are shared by all that are handled in a context. */
  @Test
  void twoExchangesAtOnceHaveAttributesOfTheirOwn() throws Exception {
    MeshHttpServer server = server();
    CyclicBarrier both = new CyclicBarrier(2);
    HttpContext context =
        server.createContext(
            "/",
            exchange -> {
              exchange.setAttribute("mine", exchange.getRequestURI().getPath());
              try {
                both.await(60, TimeUnit.SECONDS);
              } catch (Exception e) {
                throw new IOException(e);
              }
              answer(exchange, exchange.getAttribute("mine") + " " + exchange.getAttribute("all"));
            });
    context.getAttributes().put("all", "shared");
    server.start();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      var one = threads.submit(() -> mesh.body(server, "/one"));
      var two = threads.submit(() -> mesh.body(server, "/two"));
      assertThat(one.get()).isEqualTo("/one shared");
      assertThat(two.get()).isEqualTo("/two shared");
    } finally {
      threads.shutdown();
    }
    assertThat(context.getAttributes()).containsOnlyKeys("all");
  }

  @Test
  void theAttributeThatSaysWhoCallsCannotBeOverwritten() throws Exception {
    MeshHttpServer server = server();
    server.createContext(
        "/",
        exchange -> {
          try {
            exchange.setAttribute(MeshHttpServer.PEER, "somebody else");
          } catch (IllegalArgumentException e) {
            MeshPeer peer = (MeshPeer) exchange.getAttribute(MeshHttpServer.PEER);
            answer(exchange, peer.service().service() + " " + exchange.getPrincipal().getRealm());
          }
        });
    server.start();
    assertThat(mesh.body(server, "/")).isEqualTo("web " + mesh.plane.trustDomain());
  }

  @Test
  void whoCallsIsKnownOfExchangesOfThisServerOnly() throws Exception {
    HttpServer other = HttpServer.create(Mesh.loopback(), 0);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    CountDownLatch asked = new CountDownLatch(1);
    other.createContext(
        "/",
        exchange -> {
          try {
            MeshHttpServer.peer(exchange);
          } catch (IllegalArgumentException e) {
            thrown.set(e);
          }
          asked.countDown();
          answer(exchange, "");
        });
    other.start();
    try (Socket plain =
        new Socket(InetAddress.getLoopbackAddress(), other.getAddress().getPort())) {
      plain.getOutputStream().write("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes());
      assertThat(asked.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(thrown.get()).isInstanceOf(IllegalArgumentException.class);
    } finally {
      other.stop(0);
    }
  }

  @Test
  void anExchangeMayBeAnsweredLaterByAnotherThread() throws Exception {
    MeshHttpServer server = server();
    CompletableFuture<HttpExchange> handed = new CompletableFuture<>();
    server.createContext("/", handed::complete);
    server.start();
    ExecutorService caller = Executors.newSingleThreadExecutor();
    try {
      var answer = caller.submit(() -> mesh.body(server, "/"));
      answer(handed.get(60, TimeUnit.SECONDS), "later");
      assertThat(answer.get()).isEqualTo("later");
    } finally {
      caller.shutdown();
    }
  }

  @Test
  void aHandlerThatFailsEndsItsConnectionAndNothingElse() throws Exception {
    MeshHttpServer server = server();
    server.createContext(
        "/fails",
        exchange -> {
          throw new IllegalStateException("on purpose");
        });
    server.createContext("/", answering("fine"));
    server.start();
    assertThat(mesh.ask(server, "/fails")).isEmpty();
    assertThat(mesh.body(server, "/")).isEqualTo("fine");
  }

  @Test
  void tlsIsTheMeshsAndItsContextIsGivenToNobody() throws Exception {
    MeshHttpServer server = server();
    assertThatThrownBy(
            () -> server.setHttpsConfigurator(new HttpsConfigurator(mesh.api.serverContext())))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("api");
    assertThat(server.getHttpsConfigurator()).isNull();
  }

  /** Before and after, whoever has rules for requests could connect and be judged by nobody. */
  @Test
  void theGateIsArmedFromStartToStop() throws Exception {
    MeshHttpServer server = server();
    assertThat(server.isArmed()).isFalse();
    server.start();
    assertThat(server.isArmed()).isTrue();
    assertThatThrownBy(server::start).isInstanceOf(IllegalStateException.class);
    assertThat(server.isArmed()).isTrue();
    assertThatThrownBy(() -> server.setExecutor(null)).isInstanceOf(IllegalStateException.class);
    server.stop(0);
    assertThat(server.isArmed()).isFalse();
    assertThatThrownBy(server::start).isInstanceOf(IllegalStateException.class);
    assertThat(server.isArmed()).isFalse();
  }

  @Test
  void anExecutorOfTheApplicationRunsItsHandlers() throws Exception {
    MeshHttpServer server = server();
    ExecutorService threads =
        Executors.newCachedThreadPool(task -> new Thread(task, "of-the-application"));
    try {
      server.setExecutor(threads);
      assertThat(server.getExecutor()).isSameAs(threads);
      server.createContext("/", exchange -> answer(exchange, Thread.currentThread().getName()));
      server.start();
      assertThat(mesh.body(server, "/")).isEqualTo("of-the-application");
    } finally {
      threads.shutdown();
    }
  }

  /** The JDK would do each handshake on the thread that dispatches. */
  @Test
  void anExecutorWithoutThreadsOfItsOwnIsRefusedAtEachConnection() throws Exception {
    MeshHttpServer server = server();
    server.setExecutor(Runnable::run);
    server.createContext("/", answering("in"));
    server.start();
    assertThatThrownBy(() -> mesh.body(server, "/")).isInstanceOf(IOException.class);
  }

  @Test
  void aCallerThatGoesSilentLosesItsThreadToTheNext() throws Exception {
    HttpServerLimits limits =
        HttpServerLimits.defaults().withThreads(2).withHeadTimeout(Duration.ofMillis(500));
    MeshHttpServer server = keep(MeshHttpServer.create(mesh.api, Mesh.loopback(), limits));
    server.createContext("/", answering("served"));
    server.start();
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 6; i++) {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.getAddress().getPort());
        socket.setSoTimeout((int) Mesh.GUARD.toMillis());
        socket.getOutputStream().write(0x16);
        silent.add(socket);
      }
      SSLSocket halfway = mesh.connect(server);
      silent.add(halfway);
      halfway.getOutputStream().write("GET / HTTP/1.1\r\nHo".getBytes(StandardCharsets.US_ASCII));

      assertThat(served(server)).isEqualTo("served");

      for (Socket socket : silent) {
        assertThat(hasEnded(socket)).isTrue();
      }
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  /** On a slow machine half a second may be too short for an honest caller as well. */
  private String served(MeshHttpServer server) {
    return Awaitility.await("a caller who speaks")
        .atMost(Mesh.GUARD)
        .ignoreExceptions()
        .until(() -> mesh.body(server, "/"), "served"::equals);
  }

  private static boolean hasEnded(Socket socket) throws IOException {
    try {
      InputStream in = socket.getInputStream();
      while (in.read() >= 0) {
        // What is told before the end.
      }
      return true;
    } catch (SocketException | javax.net.ssl.SSLException e) {
      return true;
    }
  }

  @Test
  void stoppingLetsWhatRunsComeToItsEnd() throws Exception {
    MeshHttpServer server = server();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    server.createContext(
        "/",
        exchange -> {
          running.countDown();
          try {
            if (!goOn.await(60, TimeUnit.SECONDS)) {
              throw new IOException("nobody went on");
            }
          } catch (InterruptedException e) {
            throw new IOException(e);
          }
          answer(exchange, "finished");
        });
    server.start();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try {
      var answer = threads.submit(() -> mesh.body(server, "/"));
      assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
      int port = server.getAddress().getPort();
      var stopped = threads.submit(() -> server.stop(60));
      Awaitility.await("nobody new is let in").atMost(Mesh.GUARD).until(() -> !accepts(port));
      goOn.countDown();
      assertThat(answer.get()).isEqualTo("finished");
      stopped.get(90, TimeUnit.SECONDS);
    } finally {
      threads.shutdown();
    }
  }

  private static boolean accepts(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 60_000);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aServerThatStartsEntersItsServiceIntoTheCatalog() throws Exception {
    try (MeshClient shop =
        mesh.builder("shop").register(Registration.ofListener().withAddress("127.0.0.1")).build()) {
      shop.awaitReady(Mesh.GUARD);
      MeshHttpServer server = keep(MeshHttpServer.create(shop, Mesh.loopback()));
      server.start();
      int port = server.getAddress().getPort();
      Awaitility.await("the catalog knows the server")
          .atMost(Mesh.GUARD)
          .until(() ->
              mesh.web.endpoints(Destination.parse("shop")).stream()
                  .anyMatch(endpoint -> endpoint.port() == port));
      server.stop(0);
    }
    assertThatThrownBy(() -> mesh.api.listening(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> mesh.api.listening(65536))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void limitsArePositive() {
    HttpServerLimits limits = HttpServerLimits.defaults();
    assertThat(limits.withBacklog(1).withThreads(2).withHeadTimeout(Duration.ofSeconds(3)))
        .isEqualTo(new HttpServerLimits(1, 2, Duration.ofSeconds(3)));
    assertThatThrownBy(() -> limits.withBacklog(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> limits.withThreads(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> limits.withHeadTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
