package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Who hears that a destination's connections are about to be cut may take a second, and no more of
 * anything, whatever else it does.
 */
@Timeout(120)
class RetireListenersTest {
  private static final Destination DB = Destination.parse("db");

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final CountDownLatch go = new CountDownLatch(1);
  private MeshClient web;
  private MeshClient db;
  private MeshServerSocket server;

  @BeforeEach
  void start() throws IOException {
    web = MeshClient.builder("web").controlPlane(webPlane).build();
    db = MeshClient.builder("db").controlPlane(dbPlane).build();
    server = db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults());
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
  }

  @AfterEach
  void stop() {
    go.countDown();
    web.close();
    db.close();
  }

  private void deny() {
    webPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
  }

  private void allow() {
    webPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
  }

  private void hang() {
    try {
      go.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void await(java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await().atMost(Duration.ofSeconds(60)).until(condition);
  }

  @Test
  void aListenerThatHangsKeepsNoConnectionAndCostsOneThreadHoweverRightsFlap() throws Exception {
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Queue<String> heard = new ConcurrentLinkedQueue<>();
    web.onRetire(
        DB,
        (destination, reason) -> {
          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
          hang();
          heard.add(String.valueOf(reason.getMessage()));
          inside.decrementAndGet();
        });
    List<SSLSocket> cut = new ArrayList<>();
    for (int flap = 0; flap < 20; flap++) {
      cut.add(web.dial("db"));
      deny();
      assertThatThrownBy(() -> web.dial("db")).isInstanceOf(MeshAuthorizationException.class);
      allow();
    }
    for (SSLSocket socket : cut) {
      await(socket::isClosed);
    }
    assertThat(inside).hasValue(1);
    go.countDown();
    await(() -> heard.size() == 2 && inside.get() == 0); // the first, and the newest that waited
    assertThat(most).hasValue(1);
  }

  @Test
  void theCutWaitsForNoTimerThatOthersShare() throws Exception {
    // Whatever the application hangs on the JDK's shared timer, it may block there for ever.
    CompletableFuture<Void> blocking = new CompletableFuture<>();
    CountDownLatch blocked = new CountDownLatch(1);
    // Hung on before the timer is set: else it may have run already, and this thread would hang.
    CompletableFuture<Void> ignored =
        blocking.whenComplete((ok, late) -> {
          blocked.countDown();
          hang();
        });
    blocking.orTimeout(1, TimeUnit.MILLISECONDS);
    assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
    CountDownLatch told = new CountDownLatch(1);
    web.onRetire(
        DB,
        (destination, reason) -> {
          told.countDown();
          hang();
        });
    SSLSocket socket = web.dial("db");
    deny();
    assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
    await(socket::isClosed);
  }

  @Test
  void closingTheClientDoesNotWaitForAListenerToBeThroughWithIts() throws Exception {
    CountDownLatch told = new CountDownLatch(1);
    web.onRetire(
        DB,
        (destination, reason) -> {
          told.countDown();
          hang();
        });
    SSLSocket one = web.dial("db");
    SSLSocket two = web.dial("db");
    deny();
    assertThat(told.await(60, TimeUnit.SECONDS)).isTrue();
    web.close();
    assertThat(one.isClosed()).isTrue();
    assertThat(two.isClosed()).isTrue();
  }

  @Test
  void listenersMayThrowAndComeBackAndClose() throws Exception {
    AtomicInteger told = new AtomicInteger();
    web.onRetire(
        DB,
        (destination, reason) -> {
          throw new NoClassDefFoundError("com/example/Pool");
        });
    CompletableFuture<Throwable> dialled = new CompletableFuture<>();
    web.onRetire(
        DB,
        (destination, reason) -> {
          told.incrementAndGet();
          try {
            web.dial("db").close();
            dialled.complete(null);
          } catch (IOException e) {
            dialled.complete(e);
          }
          web.onRetire(DB, (again, why) -> told.addAndGet(100)).close();
          web.close();
        });
    SSLSocket socket = web.dial("db");
    deny();
    assertThat(dialled.get(60, TimeUnit.SECONDS)).isInstanceOf(MeshAuthorizationException.class);
    await(socket::isClosed);
    assertThat(told).hasValue(1);
  }

  @Test
  void eachWithdrawalIsToldOnceToWhoeverIsSubscribedThen() throws Exception {
    AtomicInteger stays = new AtomicInteger();
    AtomicInteger leaves = new AtomicInteger();
    web.onRetire(DB, (destination, reason) -> stays.incrementAndGet());
    io.meshnative.Subscription left =
        web.onRetire(DB, (destination, reason) -> leaves.incrementAndGet());
    for (int round = 1; round <= 10; round++) {
      SSLSocket one = web.dial("db");
      SSLSocket two = web.dial("db");
      deny();
      int expected = round;
      await(() -> one.isClosed() && two.isClosed() && stays.get() == expected);
      if (round == 5) {
        left.close();
      }
      allow();
    }
    assertThat(leaves).hasValue(5);
  }
}
