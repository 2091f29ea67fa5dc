package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.MeshState;
import io.meshnative.Subscription;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What servers that accept by themselves hear when their client leaves. */
@Timeout(180)
class LeavingTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final MeshClient db = client("db", FakeControlPlane.allowingAll(authority, "db"));
  private final MeshClient web = client("web", webPlane);

  private static MeshClient client(String service, FakeControlPlane plane) {
    return MeshClient.builder(service).controlPlane(plane).build();
  }

  @AfterEach
  void stop() {
    web.close();
    db.close();
  }

  @Test
  void aShutdownTellsOnceBeforeItWaitsForWhatIsOpen() throws Exception {
    db.awaitReady(Duration.ofSeconds(60));
    web.awaitReady(Duration.ofSeconds(60));
    CompletableFuture<MeshState> told = new CompletableFuture<>();
    AtomicInteger times = new AtomicInteger();
    db.onLeaving(() -> {
      times.incrementAndGet();
      told.complete(db.state());
    });
    MeshServerSocket server =
        db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
    try (Echo echo = new Echo(server)) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      CompletableFuture<Void> gone;
      try (SSLSocket open = web.dial("db")) {
        Echo.ping(open);
        gone = db.shutdown(Duration.ofMinutes(10)).toCompletableFuture();
        assertThat(told.get(60, TimeUnit.SECONDS)).isNotEqualTo(MeshState.CLOSED);
        Echo.ping(open);
        assertThat(gone).isNotDone();
      }
      gone.get(60, TimeUnit.SECONDS);
    }
    assertThat(times).hasValue(1);
  }

  @Test
  void aCloseTellsToo() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    db.onLeaving(told::countDown);
    db.close();
    assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whoSubscribesToAClosedClientIsToldAtOnce() {
    db.close();
    AtomicInteger times = new AtomicInteger();
    db.onLeaving(times::incrementAndGet);
    TlsWorld.await(() -> times.get() == 1);
  }

  @Test
  void whoHasEndedItsSubscriptionIsNotTold() throws Exception {
    AtomicInteger ended = new AtomicInteger();
    CountDownLatch other = new CountDownLatch(1);
    Subscription subscription = db.onLeaving(ended::incrementAndGet);
    subscription.close();
    subscription.close();
    db.onLeaving(other::countDown);
    db.close();
    assertThat(other.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(ended).hasValue(0);
  }

  @Test
  void aFailureOfOneDoesNotKeepTheOthersFromBeingTold() throws Exception {
    CountDownLatch other = new CountDownLatch(1);
    db.onLeaving(() -> {
      throw new IllegalStateException("a server that cannot close");
    });
    db.onLeaving(other::countDown);
    db.close();
    assertThat(other.await(60, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> db.dial("web")).isInstanceOf(java.io.IOException.class);
  }
}
