package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.TrustSource;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a client ends, whatever it is doing and whoever gets in the way. */
@Timeout(60)
class ClosingTest {
  private static final Destination DB = Destination.parse("db");
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");

  private static void await(BooleanSupplier condition) {
    Awaitility.await().atMost(Duration.ofSeconds(20)).until(condition::getAsBoolean);
  }

  @Test
  void aDialThatHangsInItsHandshakeEndsWithTheClientAndLeavesNoSocket() throws Exception {
    MeshClient web = MeshClient.builder("web").controlPlane(plane).build();
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      plane.endpoints("db", FakeControlPlane.endpoint(authority, "db", silent.getLocalPort()));
      CompletableFuture<Object> dial = dialling(web);
      try (Socket accepted = silent.accept()) {
        assertThat(accepted.getInputStream().read()).isEqualTo(22); // the dial is in its handshake
        web.close();
        assertThatThrownBy(() -> dial.get(20, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class)
            .hasCauseInstanceOf(MeshNotReadyException.class);
        accepted.setSoTimeout(20_000);
        assertThat(endOf(accepted)).isEqualTo("ended");
      }
    }
  }

  private static String endOf(Socket socket) {
    try {
      while (socket.getInputStream().read() >= 0) {
        // What is left of the ClientHello.
      }
      return "ended";
    } catch (java.net.SocketTimeoutException e) {
      return "still open";
    } catch (java.io.IOException e) {
      return "ended"; // by a reset
    }
  }

  @Test
  void aDialThatWaitsForEndpointsEndsWithTheClient() throws Exception {
    MeshClient web = MeshClient.builder("web").controlPlane(plane).build();
    CompletableFuture<Object> dial = dialling(web);
    await(() -> plane.openWatches() == 1);
    web.close();
    assertThatThrownBy(() -> dial.get(20, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(MeshNotReadyException.class);
    assertThat(web.endpoints(DB)).isEmpty();
    assertThat(plane.openWatches()).isZero();
  }

  private static CompletableFuture<Object> dialling(MeshClient web) {
    CompletableFuture<Object> dial = new CompletableFuture<>();
    Thread thread =
        new Thread(() -> {
          try {
            dial.complete(web.dial(DB, DialOptions.defaults().withTimeout(Duration.ofMinutes(10))));
          } catch (Exception e) {
            dial.completeExceptionally(e);
          }
        });
    thread.setDaemon(true);
    thread.start();
    return dial;
  }

  @Test
  void aPushThatComesAfterTheEndAllowsNothing() throws Exception {
    MeshClient web = MeshClient.builder("web").controlPlane(plane).build();
    assertThat(web.explain("db").isAllowed()).isTrue();
    web.close();
    plane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.allow("db", "web")));
    assertThat(web.explain("db").isAllowed()).isFalse();
    assertThat(web.state()).isEqualTo(MeshState.CLOSED);
  }

  @Test
  void nothingOfAClosedClientStaysInAnInjectedScheduler() {
    ScheduledThreadPoolExecutor scheduler = new ScheduledThreadPoolExecutor(1);
    try {
      MeshClient web = MeshClient.builder("web").controlPlane(plane).scheduler(scheduler).build();
      assertThat(scheduler.getQueue()).isNotEmpty();
      web.close();
      await(() -> scheduler.getQueue().isEmpty() && scheduler.getActiveCount() == 0);
    } finally {
      scheduler.shutdownNow();
    }
  }

  @Test
  void aControlPlaneThatFailsToCloseLeavesNoThreadAndAClosedClient() throws Exception {
    MeshClient web = MeshClient.builder("failing").controlPlane(failing(plane, false)).build();
    web.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
    web.close();
    assertThat(web.state()).isEqualTo(MeshState.CLOSED);
    await(() -> threads("mesh-failing-") == 0);
  }

  @Test
  void aControlPlaneThatFailsToStartLeavesNothing() {
    assertThatThrownBy(
            () -> MeshClient.builder("stillborn").controlPlane(failing(plane, true)).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no start");
    assertThat(plane.isClosed()).isTrue();
    await(() -> threads("mesh-stillborn-") == 0);
  }

  private static long threads(String prefix) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().startsWith(prefix))
        .count();
  }

  private static ControlPlane failing(FakeControlPlane plane, boolean atStart) {
    return new ControlPlane() {
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
        if (!atStart) {
          return plane.intentions();
        }
        return new IntentionSource() {
          @Override
          public void start(io.meshnative.spi.Sink<io.meshnative.spi.IntentionUpdate> sink) {
            throw new IllegalStateException("no start");
          }

          @Override
          public void close() {}
        };
      }

      @Override
      public EndpointSource endpoints() {
        return plane.endpoints();
      }

      @Override
      public void close() {
        plane.close();
        if (!atStart) {
          throw new IllegalStateException("no end");
        }
      }
    };
  }

  @Test
  void closeFromACallbackAndTwiceAtOnceEnds() throws Exception {
    AtomicReference<MeshClient> client = new AtomicReference<>();
    CompletableFuture<Void> heard = new CompletableFuture<>();
    MeshClient web = MeshClient.builder("callback").controlPlane(plane).build();
    client.set(web);
    web.watch(
        DB,
        set -> {
          client.get().close();
          client.get().close();
          heard.complete(null);
        });
    plane.endpoints("db", FakeControlPlane.endpoint(authority, "db", 1));
    heard.get(20, TimeUnit.SECONDS);
    web.close();
    assertThat(web.state()).isEqualTo(MeshState.CLOSED);
    await(() -> threads("mesh-callback-") == 0);
  }
}
