package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Registration;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.spi.ControlPlane;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IdentitySource;
import io.meshnative.spi.IntentionSource;
import io.meshnative.spi.Registrar;
import io.meshnative.spi.TrustSource;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The application's code runs where it can hold up nobody but itself. */
@Timeout(60)
class CallbackIsolationTest {
  private static final Destination DB = Destination.parse("db");
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private final MeshTestAuthority authority = MeshTestAuthority.create();

  private static void hang(CountDownLatch go) {
    try {
      go.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whatRunsWhenTheClientIsReadyMayBlockAndDenialsComeThrough() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    FakeControlPlane plane = new FakeControlPlane().roots(authority).issue(authority, "web");
    try (MeshClient web = MeshClient.builder("web").controlPlane(plane).build()) {
      CompletableFuture<Void> running = new CompletableFuture<>();
      web.whenReady()
          .thenAccept(ready -> {
            running.complete(null);
            hang(go); // an application's main loop, say
          });
      CompletableFuture<Void> pushed =
          Background.run(() -> {
            plane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
            plane.intentions(FakeControlPlane.update(DefaultDecision.DENY));
          });
      try {
        running.get(20, TimeUnit.SECONDS);
        pushed.get(20, TimeUnit.SECONDS);
        assertThat(web.explain("db").isAllowed()).isFalse();
      } finally {
        go.countDown();
      }
    }
  }

  @Test
  void aConsumerOfEndpointsThatThrowsOrBlocksKeepsNobodyFromDialling() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
    try (MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
        MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, ListenOptions.defaults()))) {
      web.watch(
          DB,
          set -> {
            throw new AssertionError("a consumer that fails");
          });
      web.watch(DB, set -> hang(go));
      AtomicInteger heard = new AtomicInteger();
      web.watch(DB, set -> heard.incrementAndGet());
      CompletableFuture<Void> pushed =
          Background.run(() -> {
            webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", 1));
            webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
          });
      try {
        pushed.get(20, TimeUnit.SECONDS);
        try (SSLSocket socket = web.dial("db")) {
          Echo.ping(socket);
        }
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> heard.get() == 2);
      } finally {
        go.countDown();
      }
    }
  }

  @Test
  void listeningDoesNotWaitForARegistrationThatHangs() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    CountDownLatch registering = new CountDownLatch(1);
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
    ControlPlane registers =
        withRegistrar(
            plane,
            new Registrar() {
              @Override
              public void register(Registration registration) {
                registering.countDown();
                hang(go);
              }

              @Override
              public void deregister() {}
            });
    MeshClient web =
        MeshClient.builder("web")
            .controlPlane(registers)
            .register(Registration.ofListener())
            .build();
    try (web) {
      web.listen(ANY_PORT, ListenOptions.defaults());
      assertThat(registering.await(20, TimeUnit.SECONDS)).isTrue();
      try {
        CompletableFuture<Object> second = new CompletableFuture<>();
        Thread listening =
            new Thread(() -> {
              try {
                second.complete(web.listen(ANY_PORT, ListenOptions.defaults()));
              } catch (Exception e) {
                second.completeExceptionally(e);
              }
            });
        listening.start();
        second.get(20, TimeUnit.SECONDS);
      } finally {
        go.countDown();
      }
    }
  }

  private static ControlPlane withRegistrar(FakeControlPlane plane, Registrar registrar) {
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
        return plane.intentions();
      }

      @Override
      public EndpointSource endpoints() {
        return plane.endpoints();
      }

      @Override
      public Optional<Registrar> registrar() {
        return Optional.of(registrar);
      }

      @Override
      public void close() {
        plane.close();
      }
    };
  }

  @Test
  void aFailureThatPassesWithTheSameValueIsStaleAndThenReady() {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
    try (MeshClient web = MeshClient.builder("web").controlPlane(plane).build()) {
      for (FakeControlPlane.Feed<?> feed :
          List.of(plane.identityFeed(), plane.trustFeed(), plane.intentionFeed())) {
        assertThat(web.state()).isEqualTo(MeshState.READY);
        feed.fail("away");
        assertThat(web.state()).isEqualTo(MeshState.STALE);
        feed.again();
      }
      assertThat(web.state()).isEqualTo(MeshState.READY);
      assertThat(web.trustGeneration()).isEqualTo(1);
      web.endpoints(DB);
      plane.endpointFeed("db").fail("away");
      assertThat(web.state()).isEqualTo(MeshState.READY);
    }
  }

  @Test
  void anIdentityThatCannotBeUsedIsNoRecovery() {
    FakeControlPlane plane = FakeControlPlane.allowingAll(authority, "web");
    Queue<MeshEvent> events = new ConcurrentLinkedQueue<>();
    try (MeshClient web =
        MeshClient.builder("web").controlPlane(plane).listener(events::add).build()) {
      plane.identityFeed().fail("away");
      LeafSpec ended =
          LeafSpec.service("web")
              .validity(Instant.now().minusSeconds(7200), Instant.now().minusSeconds(3600));
      assertThatThrownBy(
              () -> plane.identityFeed().push(FakeControlPlane.identity(authority, ended)))
          .isInstanceOf(IllegalStateException.class);
      assertThat(web.state()).isEqualTo(MeshState.STALE);
    }
    assertThat(events).noneMatch(event -> event instanceof MeshEvent.ControlPlaneRecovered);
  }

  @Test
  void aServerNameOrProtocolThatCannotBeSentIsRefusedWhereItIsGiven() {
    for (String name :
        List.of(
            "",
            "a b",
            "-a",
            "a-",
            "a..b",
            "a.b.",
            "ä",
            "a\nb",
            "a_b",
            "x".repeat(64),
            "a.".repeat(127) + "b")) {
      assertThatThrownBy(() -> DialOptions.defaults().withSni(name))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(DialOptions.defaults().withSni("db.default.dc1.internal.11-22.consul").sni())
        .isPresent();
    assertThatThrownBy(() -> DialOptions.defaults().withAlpn(""))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aTimeoutLongerThanAClockCanCountIsLongAndNoError() throws Exception {
    Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
    try (MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
        MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo =
            new Echo(db.listen(ANY_PORT, ListenOptions.defaults().withHandshakeTimeout(forever)))) {
      web.awaitReady(forever);
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      try (SSLSocket socket = web.dial(DB, DialOptions.defaults().withTimeout(forever))) {
        Echo.ping(socket);
      }
    }
  }
}
