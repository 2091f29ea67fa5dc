package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.Lease;
import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.MeshServerSocket;
import io.meshnative.RequestGate;
import io.meshnative.RequestLease;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds on to a right while it goes: tracked connections, admitted requests, gates. */
@ParameterizedClass(name = "{0}")
@ValueSource(strings = {"Conscrypt", "JSSE"})
@Timeout(120)
class RightsUnderWayTest {
  private static final Destination DB = Destination.parse("db");
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private static final int ROUNDS = 40;
  private static final int MOST_REQUESTS = 25;

  @Parameter String provider;

  /** Runs tasks at once on threads of their own, or keeps them until it is told to. */
  private static final class Patient implements Executor {
    private final AtomicBoolean keeping = new AtomicBoolean();
    private final Queue<Runnable> kept = new ConcurrentLinkedQueue<>();

    @Override
    public void execute(Runnable task) {
      if (keeping.get()) {
        kept.add(task);
      } else {
        Background.run(task);
      }
    }

    void runKept() {
      for (Runnable task = kept.poll(); task != null; task = kept.poll()) {
        task.run();
      }
    }
  }

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final Patient executor = new Patient();
  private final TestClock dbClock = new TestClock();
  private MeshClient web;
  private MeshClient db;
  private MeshServerSocket server;
  private HttpRequestView request;

  /** Of both ends. */
  private record Connection(SSLSocket caller, SSLSocket callee) {}

  @BeforeEach
  void start() throws Exception {
    web = Engines.builder("web", provider).controlPlane(webPlane).build();
    db =
        Engines.builder("db", provider)
            .controlPlane(dbPlane)
            .executor(executor)
            .clock(dbClock)
            .build();
    server = db.listen(ANY_PORT, ListenOptions.defaults());
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
    request = HttpRequestView.of("GET", "/", List.of("db"), Map.of());
  }

  @AfterEach
  void stop() {
    executor.keeping.set(false);
    executor.runKept();
    web.close();
    db.close();
  }

  private Connection connect() throws Exception {
    SSLSocket caller = web.dial("db");
    return new Connection(caller, server.accept());
  }

  private void deny() {
    dbPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
  }

  private void allow() {
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW));
  }

  private static void await(java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(2))
        .atMost(Duration.ofSeconds(60))
        .until(condition);
  }

  /** Two things at the same moment, as far as two threads can. */
  private static void atOnce(Runnable one, Runnable other) throws Exception {
    CyclicBarrier start = new CyclicBarrier(2);
    CompletableFuture<Void> second =
        Background.run(() -> {
          meet(start);
          other.run();
        });
    meet(start);
    one.run();
    second.get(60, TimeUnit.SECONDS);
  }

  private static void meet(CyclicBarrier start) {
    try {
      start.await(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- track ----

  @Test
  void aConnectionThatIsTrackedWhileItsRightGoesIsClosedByItsAdapterOnce() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      Connection connection = connect();
      AtomicInteger told = new AtomicInteger();
      atOnce(
          () -> {
            Lease ignored =
                db.track(connection.callee().getSession(), gone -> told.incrementAndGet());
          },
          this::deny);
      await(() -> told.get() > 0);
      assertThat(db.snapshot().connections()).isEmpty();
      Lease late = db.track(connection.callee().getSession(), gone -> told.addAndGet(100));
      await(() -> told.get() >= 101);
      late.close();
      assertThat(told).hasValue(101);
      allow();
      connection.caller().close();
    }
  }

  @Test
  void whoHasEndedTheTrackingIsNotToldThoughTheRightWentBefore() throws Exception {
    Connection connection = connect();
    AtomicInteger told = new AtomicInteger();
    Lease ended = db.track(connection.callee().getSession(), gone -> told.addAndGet(100));
    Lease kept = db.track(connection.callee().getSession(), gone -> told.incrementAndGet());
    executor.keeping.set(true);
    deny();
    ended.close(); // what would be told waits in the executor
    executor.runKept();
    assertThat(told).hasValue(1);
    kept.close();
    assertThat(connection.callee().isClosed()).isTrue();
  }

  @Test
  void trackersThatThrowBlockOrComeBackKeepNoOtherFromBeingTold() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger told = new AtomicInteger();
    List<Connection> connections = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        Connection connection = connect();
        connections.add(connection);
        Lease throwing =
            db.track(
                connection.callee().getSession(),
                gone -> {
                  throw new NoClassDefFoundError("com/example/Adapter");
                });
        Lease blocking =
            db.track(
                connection.callee().getSession(),
                gone -> {
                  try {
                    go.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
        Lease comingBack =
            db.track(
                connection.callee().getSession(),
                gone -> {
                  Lease again =
                      db.track(connection.callee().getSession(), once -> told.incrementAndGet());
                  allow();
                  deny();
                  db.snapshot();
                  told.incrementAndGet();
                });
      }
      deny();
      await(() -> told.get() == 6);
      for (Connection connection : connections) {
        assertThat(connection.callee().isClosed()).isTrue();
      }
    } finally {
      go.countDown();
    }
  }

  // ---- admit ----

  /** A listener of its own that keeps connections whatever the intentions say; requests do not. */
  private Connection keptByTheApplication() throws Exception {
    MeshServerSocket lenient =
        db.listen(ANY_PORT, ListenOptions.defaults().withAuthorizer((peer, decision) -> true));
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", lenient.getLocalPort()));
    SSLSocket caller = web.dial("db");
    return new Connection(caller, lenient.accept());
  }

  @Test
  void aRequestAdmittedUnderOnePolicyIsDecidedAgainUnderTheNext() throws Exception {
    Connection connection = keptByTheApplication();
    MeshPeer peer = db.peer(connection.callee().getSession());
    int admitted = 0;
    for (int round = 0; round < 2 * ROUNDS; round++) {
      AtomicInteger told = new AtomicInteger();
      AtomicInteger granted = new AtomicInteger();
      AtomicBoolean denied = new AtomicBoolean();
      atOnce(
          () -> {
            for (int i = 0; i < MOST_REQUESTS && !denied.get(); i++) {
              try {
                RequestLease ignored = db.admit(peer, request, gone -> told.incrementAndGet());
                granted.incrementAndGet();
              } catch (MeshAuthorizationException e) {
                denied.set(true);
              }
            }
          },
          this::deny);
      await(() -> told.get() == granted.get());
      admitted += granted.get();
      assertThatThrownBy(() -> db.admit(peer, request, gone -> told.incrementAndGet()))
          .isInstanceOf(MeshAuthorizationException.class);
      allow();
      assertThat(told).hasValue(granted.get());
      assertThat(connection.callee().isClosed()).isFalse();
    }
    assertThat(admitted).isPositive();
  }

  @Test
  void aLeaseThatIsClosedIsNotToldThoughTheRightWentBefore() throws Exception {
    Connection connection = keptByTheApplication();
    MeshPeer peer = db.peer(connection.callee().getSession());
    AtomicInteger told = new AtomicInteger();
    RequestLease ended = db.admit(peer, request, gone -> told.addAndGet(100));
    RequestLease open = db.admit(peer, request, gone -> told.incrementAndGet());
    executor.keeping.set(true);
    deny();
    ended.close();
    ended.close();
    executor.runKept();
    assertThat(told).hasValue(1);
    open.close();
  }

  @Test
  void leasesThatNobodyClosesGoWithTheirConnection() throws Exception {
    Connection gone = keptByTheApplication();
    AtomicInteger told = new AtomicInteger();
    MeshPeer peer = db.peer(gone.callee().getSession());
    for (int i = 0; i < 100; i++) {
      RequestLease ignored = db.admit(peer, request, denied -> told.incrementAndGet());
    }
    gone.callee().close();
    gone.caller().close();
    assertThat(db.snapshot().connections()).isEmpty();
    assertThatThrownBy(() -> db.admit(peer, request, denied -> told.incrementAndGet()))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("has ended");
    AtomicInteger witness = new AtomicInteger();
    Connection live = keptByTheApplication();
    RequestLease open =
        db.admit(db.peer(live.callee().getSession()), request, denied -> witness.incrementAndGet());
    executor.keeping.set(true); // all that is told by this denial comes together
    deny();
    executor.runKept();
    assertThat(witness).hasValue(1);
    assertThat(told).hasValue(0);
    open.close();
  }

  @Test
  void aPeerKnownByItsLeafKeepsItsRequestsAsLongAsItHasAnyConnection() throws Exception {
    for (int closed = 0; closed < 2; closed++) {
      allow();
      Connection[] both = {keptByTheApplication(), keptByTheApplication()};
      AtomicInteger told = new AtomicInteger();
      RequestLease open =
          db.admit(db.peer(web.identity().chain().get(0)), request, gone -> told.incrementAndGet());
      both[closed].callee().close();
      await(() -> db.snapshot().connections().size() == 1);
      assertThat(told).hasValue(0);
      deny();
      await(() -> told.get() == 1);
      both[1 - closed].callee().close();
      await(() -> db.snapshot().connections().isEmpty());
      assertThat(told).hasValue(1);
      open.close();
    }
  }

  @Test
  void aRequestIsToldWhenTheCertificatesOfItsConnectionEnd() throws Exception {
    webPlane
        .identityFeed()
        .push(
            FakeControlPlane.identity(
                authority, LeafSpec.service("web").life(Duration.ofHours(2))));
    Connection connection = connect();
    Queue<String> told = new ConcurrentLinkedQueue<>();
    RequestLease open =
        db.admit(
            db.peer(connection.callee().getSession()), request, gone -> told.add(gone.reason()));
    dbClock.advance(Duration.ofHours(3)); // db's own leaf lives for days
    await(() -> !told.isEmpty());
    assertThat(told).hasSize(1).allSatisfy(why -> assertThat(why).contains("ended at"));
    assertThat(connection.callee().isClosed()).isTrue();
    open.close();
  }

  // ---- gates ----

  private static Intention perRequest() {
    return new Intention(
        new Intention.Source("", "default", "default", "web"),
        new Intention.Destination("default", "default", "db"),
        Optional.empty(),
        List.of(
            new Permission(
                Intention.Action.ALLOW, Optional.empty(), List.of(), List.of("GET"), false)),
        9,
        false,
        "",
        List.of());
  }

  private EngineLoop engines(RequestGate gate) {
    return new EngineLoop(
        web.clientContext(DB).createSSLEngine(), db.serverContext(gate).createSSLEngine());
  }

  @Test
  void aGateThatIsDisarmedEndsWhatItAloneHadLetThroughAndTellsItsRequests() throws Exception {
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW, perRequest()));
    RequestGate gate = db.requestGate();
    assertThatThrownBy(() -> engines(gate).handshake().send("early"))
        .isInstanceOf(SSLException.class);
    gate.arm();
    EngineLoop loop = engines(gate).handshake();
    assertThat(loop.send("one")).isEqualTo("one");
    MeshPeer peer = db.peer(loop.server().getSession());
    AtomicInteger told = new AtomicInteger();
    RequestLease open = db.admit(peer, request, gone -> told.incrementAndGet());

    gate.disarm();
    assertThatThrownBy(() -> loop.answer("late")).isInstanceOf(SSLException.class);
    assertThatThrownBy(() -> loop.send("late")).isInstanceOf(SSLException.class);
    assertThatThrownBy(() -> db.admit(peer, request, gone -> told.addAndGet(100)))
        .isInstanceOf(MeshAuthorizationException.class);
    await(() -> told.get() == 1);

    gate.arm(); // what was cut stays cut
    assertThatThrownBy(() -> loop.answer("later")).isInstanceOf(SSLException.class);
    EngineLoop next = engines(gate).handshake();
    assertThat(next.send("two")).isEqualTo("two");
    assertThat(told).hasValue(1);
    open.close();
    loop.end();
    next.end();
  }

  @Test
  void aGateThatFlapsLeavesNobodyInOnceItIsDisarmed() throws Exception {
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.ALLOW, perRequest()));
    RequestGate gate = db.requestGate();
    List<EngineLoop> loops = new ArrayList<>();
    int let = 0;
    for (int round = 0; round < ROUNDS; round++) {
      EngineLoop loop = engines(gate);
      loops.add(loop);
      AtomicBoolean in = new AtomicBoolean();
      gate.arm();
      atOnce(
          () -> {
            try {
              in.set(loop.handshake().send("in").equals("in"));
            } catch (SSLException | IllegalStateException e) {
              in.set(false);
            }
          },
          () -> {
            gate.disarm();
            gate.arm();
            gate.disarm();
          });
      let += in.get() ? 1 : 0;
      assertThat(db.snapshot().connections()).isEmpty();
      if (in.get()) {
        assertThatThrownBy(() -> loop.answer("out")).isInstanceOf(SSLException.class);
      }
    }
    gate.arm();
    EngineLoop after = engines(gate).handshake();
    assertThat(after.send("in")).isEqualTo("in");
    assertThat(let).isLessThanOrEqualTo(ROUNDS);
    after.end();
    for (EngineLoop loop : loops) {
      loop.end();
    }
  }
}
