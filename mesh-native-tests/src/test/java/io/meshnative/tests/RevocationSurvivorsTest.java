package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.Lease;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.Withdrawal;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What an application can do wrong, or a saturated machine, while a denial is being enforced. */
@Timeout(60)
@Tag("T25")
class RevocationSurvivorsTest {
  private static final Destination DB = Destination.parse("db");
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

  /** Refuses tasks while it is full. */
  private static final class Saturable implements Executor, AutoCloseable {
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final AtomicBoolean full = new AtomicBoolean();

    @Override
    public void execute(Runnable task) {
      if (full.get()) {
        throw new RejectedExecutionException("full");
      }
      pool.execute(task);
    }

    @Override
    public void close() {
      pool.shutdownNow();
    }
  }

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final Saturable executor = new Saturable();
  private MeshClient web;
  private MeshClient db;

  @BeforeEach
  void start() {
    web = MeshClient.builder("web").controlPlane(webPlane).executor(executor).build();
    db = MeshClient.builder("db").controlPlane(dbPlane).executor(executor).build();
  }

  @AfterEach
  void stop() throws IOException {
    executor.full.set(false);
    web.close();
    db.close();
    executor.close();
  }

  private SSLSocket[] connect(MeshServerSocket server) throws IOException {
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    SSLSocket caller = web.dial("db");
    SSLSocket callee = server.accept();
    caller.setSoTimeout(10_000);
    callee.setSoTimeout(10_000);
    return new SSLSocket[] {caller, callee};
  }

  private void denyAtDb() {
    dbPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
  }

  private static void assertCut(SSLSocket socket) throws IOException {
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
  }

  @Test
  void aSaturatedExecutorSparesNoTrackedConnectionAndEachTrackerIsTold() throws Exception {
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    AtomicInteger told = new AtomicInteger();
    List<SSLSocket> callees = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      SSLSocket callee = connect(server)[1];
      callees.add(callee);
      Lease ignored = db.track(callee.getSession(), (Withdrawal w) -> told.incrementAndGet());
    }
    executor.full.set(true);
    denyAtDb();
    for (SSLSocket callee : callees) {
      assertCut(callee);
    }
    Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> told.get() == 4);
  }

  @Test
  void aSaturatedExecutorSparesNoAdmittedRequest() throws Exception {
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    SSLSocket callee = connect(server)[1];
    AtomicInteger withdrawn = new AtomicInteger();
    HttpRequestView request = HttpRequestView.of("GET", "/", List.of("db"), Map.of());
    for (int i = 0; i < 4; i++) {
      db.admit(
          db.peer(callee.getSession()),
          request,
          (Decision.Denied d) -> withdrawn.incrementAndGet());
    }
    executor.full.set(true);
    denyAtDb();
    Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> withdrawn.get() == 4);
  }

  @Test
  void aSaturatedExecutorSparesNoConnectionWhoseRetirementIsHeard() throws Exception {
    MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults());
    AtomicInteger told = new AtomicInteger();
    web.onRetire(DB, (destination, reason) -> told.incrementAndGet());
    SSLSocket one = connect(server)[0];
    SSLSocket two = connect(server)[0];
    executor.full.set(true);
    webPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
    assertCut(one);
    assertCut(two);
    assertThat(told).hasValue(1);
  }

  @Test
  @Tag("T43")
  void anErrorOfAnAuthorizerCutsItsConnectionAndSparesNoOther() throws Exception {
    AtomicBoolean broken = new AtomicBoolean();
    ListenOptions options =
        ListenOptions.defaults()
            .withAuthorizer((peer, intentions) -> {
              if (broken.get()) {
                throw new NoClassDefFoundError("com/example/Policy");
              }
              return intentions.isAllowed();
            });
    MeshServerSocket asking = db.listen(ANY_PORT, options);
    MeshServerSocket plain = db.listen(ANY_PORT, ListenOptions.defaults());
    List<SSLSocket> callees = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      callees.add(connect(asking)[1]);
      callees.add(connect(plain)[1]);
    }
    broken.set(true);
    denyAtDb();
    for (SSLSocket callee : callees) {
      assertCut(callee);
    }
    assertThat(db.snapshot().connections()).isEmpty();
  }

  @Test
  @Tag("T43")
  void anErrorOfAnAuthorizerInTheHandshakeFreesItsPlace() throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    ListenOptions options =
        ListenOptions.defaults()
            .withLimits(1, 1)
            .withAuthorizer((peer, intentions) -> {
              if (broken.getAndSet(false)) {
                throw new NoClassDefFoundError("com/example/Policy");
              }
              return true;
            });
    MeshServerSocket server = db.listen(ANY_PORT, options);
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    try (SSLSocket refused = web.dial("db")) {
      refused.setSoTimeout(10_000);
      assertCut(refused);
    }
    assertThat(broken).isFalse();
    try (Echo echo = new Echo(server)) {
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .ignoreExceptions()
          .untilAsserted(() -> {
            try (SSLSocket socket = web.dial("db")) {
              Echo.ping(socket);
            }
          });
    }
  }

  @Test
  void anAuthorizerThatBlocksKeepsNoDenialFromOtherListenersNorFromNewConnections()
      throws Exception {
    MeshTestAuthority foreign =
        MeshTestAuthority.create(authority.trustDomain(), KeyType.EC_P256, Clock.systemUTC());
    AtomicBoolean blocking = new AtomicBoolean();
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    ListenOptions options =
        ListenOptions.defaults()
            .withAuthorizer((peer, intentions) -> {
              if (blocking.get()) {
                asked.countDown();
                try {
                  go.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }
              return true;
            });
    SSLSocket held = connect(db.listen(ANY_PORT, options))[1];
    MeshServerSocket plain = db.listen(ANY_PORT, ListenOptions.defaults());
    SSLSocket other = connect(plain)[1];
    blocking.set(true);
    Thread publishing = new Thread(this::denyAtDb);
    Thread next = new Thread(() -> dbPlane.roots(foreign));
    try {
      publishing.start();
      asked.await();
      assertCut(other);
      // The next publication is seen too, while the first sweep still hangs: roots that know no
      // peer.
      next.start();
      Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> db.trustGeneration() == 2);
    } finally {
      go.countDown();
    }
    publishing.join();
    next.join();
    assertCut(held); // not by the authorizer, but by the roots
  }
}
