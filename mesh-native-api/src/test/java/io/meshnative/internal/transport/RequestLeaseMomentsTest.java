package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshPeer;
import io.meshnative.PeerAuthorizer;
import io.meshnative.RequestGate;
import io.meshnative.RequestLease;
import io.meshnative.RetirePolicy;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.Permission;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.ProofStore;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.spi.TlsProvider;
import io.meshnative.spi.TrustUpdate;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The right of a request goes at every moment between its first decision and the hand-over of its
 * lease, for every reason. Whoever asks is told once and in one way: refused, or given a lease and
 * told that the right is gone.
 */
@Timeout(120)
@Tag("T24")
class RequestLeaseMomentsTest {
  private static final int GUARD_SECONDS = 60;
  private static final int REQUESTS_A_ROUND = 5_000;

  /** The lease, its two references, its place in the set, and the time that is asked for. */
  private static final int MOST_BYTES = 600;

  private final SmallAuthority authority = new SmallAuthority();
  private final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);

  @AfterEach
  void stopTimer() {
    scheduler.shutdownNow();
  }

  /** What takes the right away. */
  enum Loss {
    A_DENY_PERMISSION,
    A_DENY_INTENTION,
    A_DEFECT,
    NO_MORE_ROOTS,
    THE_CLOCK,
    THE_GATE,
    THE_CLIENTS_END
  }

  /** Opened and closed by the test. */
  private static final class Gate implements RequestGate {
    private final AtomicBoolean armed = new AtomicBoolean(true);

    @Override
    public void arm() {
      armed.set(true);
    }

    @Override
    public void disarm() {
      armed.set(false);
    }

    @Override
    public boolean isArmed() {
      return armed.get();
    }
  }

  /** One end. Callbacks run where they arise: when a publication has returned, they have run. */
  private final class Side {
    private final Publisher publisher =
        new Publisher(PolicyVersion.denyAll(0, "nothing is loaded"));
    private final Hold hold = new Hold();
    private final Clock clock = new HandClock();
    private final List<MeshEvent> events =
        java.util.Collections.synchronizedList(new ArrayList<>());
    private final TlsEngines engines =
        new TlsEngines(
            TlsProvider.of(Conscrypt.newProvider()),
            true,
            false,
            false,
            publisher,
            new ProofStore(),
            clock);
    private final PolicyCheck check = new PolicyCheck("db", engines.verifier(), clock);
    private final LiveConnections live =
        new LiveConnections(
            publisher,
            check,
            RetirePolicy.defaults(),
            () -> 42,
            Runnable::run,
            scheduler,
            events::add,
            new Denials(check, publisher, events::add, record -> {}),
            hold);
    private volatile Duration ahead = Duration.ZERO;
    private final DefaultDecision byDefault;
    private long numbers;

    private final class HandClock extends Clock {
      @Override
      public Instant instant() {
        return Instant.now().plus(ahead);
      }

      @Override
      public ZoneId getZone() {
        return java.time.ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        return this;
      }
    }

    Side(String service, DefaultDecision byDefault, Intention... rules) throws Exception {
      this.byDefault = byDefault;
      engines.authority(live);
      TrustUpdate trust = authority.trust();
      publisher.trust(
          TrustEpoch.of(
              1,
              authority.identity(service),
              trust.local(),
              trust.bundles(),
              engines.verifier(),
              clock.instant()));
      rules(rules);
    }

    void rules(Intention... rules) {
      IntentionTable table =
          IntentionTable.compile(
              new Intention.Destination("default", "default", "db"), List.of(rules), byDefault);
      publisher.policy(PolicyVersion.of(++numbers, table, List.of(rules), byDefault));
    }
  }

  private static Intention layer7(Intention.Action action, String method, String... defects) {
    return new Intention(
        new Intention.Source("", "default", "default", "web"),
        new Intention.Destination("default", "default", "db"),
        Optional.empty(),
        List.of(new Permission(action, Optional.empty(), List.of(), List.of(method), false)),
        9,
        false,
        "",
        List.of(defects));
  }

  private static final Intention ALLOWED = layer7(Intention.Action.ALLOW, "GET");

  /** A server that lets {@code web} ask with GET, and a connection of it. */
  private final class World {
    final Gate gate = new Gate();
    final Side db;
    final MeshEngine server;
    final MeshPeer peer;
    final HttpRequestView request;

    World() throws Exception {
      db = new Side("db", DefaultDecision.DENY, ALLOWED);
      Side web = new Side("web", DefaultDecision.ALLOW);
      server =
          db.engines.engine(
              new Terms.Inbound(Optional.of(gate), PeerAuthorizer.intentions()), "127.0.0.1", 1, 0);
      MeshEngine client =
          web.engines.engine(new Terms.Outbound(Destination.parse("db")), "127.0.0.1", 1, 1);
      InMemory.shakeHands(client, server);
      peer = db.live.peer(server.getSession());
      request = HttpRequestView.of("GET", "/orders", List.of("db"), Map.of());
    }

    void lose(Loss loss) throws Exception {
      switch (loss) {
        case A_DENY_PERMISSION -> db.rules(layer7(Intention.Action.DENY, "GET"));
        case A_DENY_INTENTION -> db.rules(Service.deny("web", "db"));
        case A_DEFECT -> db.rules(layer7(Intention.Action.ALLOW, "GET", "an unknown field"));
        case NO_MORE_ROOTS ->
            db.publisher.trust(
                TrustEpoch.underForeignRoots(
                    2, authority.identity("db"), new SmallAuthority().trust().bundles()));
        case THE_CLOCK -> {
          db.ahead = Duration.ofDays(20_000);
          db.live.tick();
        }
        case THE_GATE -> {
          gate.disarm();
          db.live.judgeAgain();
        }
        case THE_CLIENTS_END -> {
          db.publisher.end(PolicyVersion.denyAll(99, "the mesh client is closed"));
          db.live.closeAll(new MeshNotReadyException("the mesh client was closed", null));
        }
      }
    }
  }

  static Stream<Arguments> momentsAndLosses() {
    return Stream.of(Moment.REQUEST_DECIDED, Moment.REQUEST_HELD, Moment.REQUEST_JUDGED)
        .flatMap(moment -> Stream.of(Loss.values()).map(loss -> Arguments.of(moment, loss)));
  }

  /** What one call of {@code admit} came to. */
  private record Outcome(
      @Nullable RequestLease lease, @Nullable MeshAuthorizationException refusal) {}

  private static Outcome admit(World world, List<Decision.Denied> told) {
    try {
      return new Outcome(world.db.live.admit(world.peer, world.request, told::add), null);
    } catch (MeshAuthorizationException e) {
      return new Outcome(null, e);
    }
  }

  @ParameterizedTest(name = "{1} at {0}")
  @MethodSource("momentsAndLosses")
  void aRightThatGoesBeforeTheLeaseIsHandedOverIsARefusalAndNothingElse(Moment moment, Loss loss)
      throws Exception {
    World world = new World();
    List<Decision.Denied> told = new ArrayList<>();
    world.db.hold.first(moment);
    CompletableFuture<Outcome> asking = new CompletableFuture<>();
    Thread thread = new Thread(() -> asking.complete(admit(world, told)), "asking");
    thread.start();
    world.db.hold.awaitReached();

    world.lose(loss);
    world.db.hold.letGo();

    Outcome outcome = asking.get(GUARD_SECONDS, TimeUnit.SECONDS);
    thread.join();
    assertThat(outcome.lease()).isNull();
    assertThat(outcome.refusal().decision().request()).contains(world.request);
    assertThat(told).isEmpty();
    assertThat(world.db.events)
        .as("a request that was never let in is refused, not withdrawn")
        .filteredOn(event -> event instanceof MeshEvent.Denied)
        .hasSize(1);
    assertThat(leases(world)).isZero();
  }

  @ParameterizedTest
  @EnumSource(Loss.class)
  void aRightThatGoesWhileTheLeaseIsOpenIsToldOnceWithTheRequest(Loss loss) throws Exception {
    World world = new World();
    List<Decision.Denied> told = new ArrayList<>();
    Outcome outcome = admit(world, told);
    assertThat(outcome.lease().decision().permissionIndex()).hasValue(0);

    world.lose(loss);
    world.lose(loss);

    assertThat(told).hasSize(1);
    assertThat(told.get(0).request()).contains(world.request);
    assertThat(told.get(0).cause()).isEqualTo(cause(loss));
    Outcome late = admit(world, told);
    assertThat(late.refusal().decision().request()).contains(world.request);
    assertThat(late.refusal().decision().cause()).isEqualTo(cause(loss));
    world.db.rules(ALLOWED);
    assertThat(told).hasSize(1);
    assertThat(leases(world)).isZero();
  }

  private static Decision.Cause cause(Loss loss) {
    return switch (loss) {
      case A_DENY_PERMISSION -> Decision.Cause.PERMISSION;
      case A_DENY_INTENTION -> Decision.Cause.INTENTION;
      case A_DEFECT -> Decision.Cause.DEFECTIVE_POLICY;
      case NO_MORE_ROOTS, THE_CLOCK, THE_CLIENTS_END -> Decision.Cause.IDENTITY;
      case THE_GATE -> Decision.Cause.NEEDS_REQUEST;
    };
  }

  @Test
  void aPermissionThatDeniesIsNamedWithItsIntention() throws Exception {
    World world = new World();
    List<Decision.Denied> told = new ArrayList<>();
    assertThat(admit(world, told).lease()).isNotNull();

    world.lose(Loss.A_DENY_PERMISSION);

    assertThat(told.get(0).intention()).contains(layer7(Intention.Action.DENY, "GET"));
    assertThat(told.get(0).permissionIndex()).hasValue(0);
  }

  /**
   * The change comes while the lease is held and not handed over; what it says now is what the
   * lease tells.
   */
  @Test
  void aLeaseTellsTheDecisionOfThePolicyThatHandedItOver() throws Exception {
    World world = new World();
    List<Decision.Denied> told = new ArrayList<>();
    world.db.hold.first(Moment.REQUEST_HELD);
    CompletableFuture<Outcome> asking = new CompletableFuture<>();
    Thread thread = new Thread(() -> asking.complete(admit(world, told)), "asking");
    thread.start();
    world.db.hold.awaitReached();
    world.db.rules(
        new Intention(
            ALLOWED.source(),
            ALLOWED.destination(),
            Optional.empty(),
            List.of(
                new Permission(
                    Intention.Action.DENY, Optional.empty(), List.of(), List.of("PUT"), false),
                ALLOWED.permissions().get(0)),
            9,
            false,
            "",
            List.of()));
    world.db.hold.letGo();

    Outcome outcome = asking.get(GUARD_SECONDS, TimeUnit.SECONDS);
    thread.join();
    assertThat(outcome.lease().decision().permissionIndex()).hasValue(1);
    assertThat(told).isEmpty();
    outcome.lease().close();
    assertThat(leases(world)).isZero();
  }

  @Test
  void aSweepThatIsOvertakenWithdrawsNothingThatTheNewestPolicyAllows() throws Exception {
    World world = new World();
    List<Decision.Denied> told = new ArrayList<>();
    Published allowing = world.db.publisher.current();
    world.lose(Loss.A_DENY_PERMISSION);
    Published denying = world.db.publisher.current();
    world.db.publisher.policy(allowing.policy());
    Outcome outcome = admit(world, told);

    world.db.live.sweep(denying); // what a sweep does that was held up since

    assertThat(told).isEmpty();
    assertThat(leases(world)).isOne();
    outcome.lease().close();
  }

  /**
   * A lease and its place among those of the connection, whatever the policy: nothing else is made
   * for a request that is let in.
   */
  @Test
  @Tag("P7")
  void lettingARequestInCostsItsLeaseAlone() throws Exception {
    World world = new World();
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    @SuppressWarnings("deprecation") // its successor came with Java 19
    long thread = Thread.currentThread().getId();
    long least = Long.MAX_VALUE;
    // The best of several rounds: class loading and compilation allocate too, once.
    for (int round = 0; round < 5; round++) {
      long before = threads.getThreadAllocatedBytes(thread);
      for (int i = 0; i < REQUESTS_A_ROUND; i++) {
        world.db.live.admit(world.peer, world.request, denied -> {}).close();
      }
      least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
    }
    assertThat(least / REQUESTS_A_ROUND).as("bytes a request").isLessThan(MOST_BYTES);
    assertThat(leases(world)).isZero();
  }

  private static int leases(World world) {
    return ((ProvenPeer) world.peer).connection().leases().size();
  }
}
