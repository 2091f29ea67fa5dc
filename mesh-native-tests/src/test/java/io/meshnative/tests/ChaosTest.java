package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.Faults;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The control plane is in trouble of every kind while services talk. Nothing is allowed on this
 * mesh but what is named, so that whatever is lost shows.
 */
@ExtendWith(Quiet.class)
@Timeout(300)
class ChaosTest {
  private static final String AGENT = "expected an answer from the agent at ";

  /** A trouble, and what the services say of it. */
  private enum Fault {
    DOWN(Faults::down, Faults::up, AGENT),
    HANGING(Faults::hang, Faults::resume, AGENT),
    NO_LEADER(
        faults -> faults.status("/v1/", 500, "No cluster leader"),
        faults -> faults.clearStatus("/v1/"),
        "the Consul servers have no leader now"),
    FORBIDDEN(
        faults -> faults.status("/v1/", 403, "Permission denied"),
        faults -> faults.clearStatus("/v1/"),
        "the token lacks "),
    OVERLOADED(
        faults -> faults.status("/v1/", 429, "Your IP is issuing too many concurrent connections"),
        faults -> faults.clearStatus("/v1/"),
        "the agent limits the rate"),
    TRUNCATED(f -> f.truncateBodies(true), f -> f.truncateBodies(false), AGENT),
    GARBAGE(f -> f.garbageBodies(true), f -> f.garbageBodies(false), "expected JSON"),
    LEAF_OF_ANOTHER(
        faults -> faults.leafForOtherService("admin"),
        faults -> faults.leafForOtherService(null),
        "expected a certificate for the service "),
    LEAF_WITH_OTHER_KEY(
        f -> f.leafWithOtherKey(true),
        f -> f.leafWithOtherKey(false),
        "expected the private key of "),
    CLOCK_AHEAD(
        faults -> faults.clockSkew(Duration.ofHours(2)),
        faults -> faults.clockSkew(Duration.ZERO),
        "is the clock of this machine wrong"),
    // What cannot be told from a quiet, slow or old agent is no trouble to speak of.
    CLOCK_BEHIND(
        faults -> faults.clockSkew(Duration.ofHours(-2)),
        faults -> faults.clockSkew(Duration.ZERO),
        ""),
    SLOW(faults -> faults.delay(Duration.ofSeconds(1)), faults -> faults.delay(Duration.ZERO), ""),
    DRIPPING(
        faults -> faults.slowDrip(Duration.ofMillis(1)),
        faults -> faults.slowDrip(Duration.ZERO),
        ""),
    INDEX_BACKWARDS(f -> f.indexBackwards(true), f -> f.indexBackwards(false), ""),
    LEAF_BEFORE_ROOT(f -> f.leafBeforeRoot(true), f -> f.leafBeforeRoot(false), "");

    private final Consumer<Faults> begin;
    private final Consumer<Faults> end;

    /** Part of the reason of state STALE; empty where the client stays ready. */
    private final String told;

    Fault(Consumer<Faults> begin, Consumer<Faults> end, String told) {
      this.begin = begin;
      this.end = end;
      this.told = told;
    }

    boolean makesStale() {
      return !told.isEmpty();
    }
  }

  private EmbeddedPlane embedded;
  private EmbeddedControlPlane plane;
  private Cast cast;
  private MeshClient web;
  private MeshClient db;
  private SteadyTraffic traffic;
  private final List<MeshEvent> told = new CopyOnWriteArrayList<>();

  @BeforeEach
  void start() throws Exception {
    embedded =
        new EmbeddedPlane(
            EmbeddedControlPlane.builder()
                .defaultAllow(false)
                .leafJitter(Duration.ofMillis(50))
                .start());
    plane = embedded.plane();
    plane.allow("web", "db").allow("guest", "db").deny("evil", "db");
    cast = new Cast(embedded);
    db =
        cast.ready(
            cast.builder("db").register(Cast.ofListener().withoutChecks()).listener(told::add));
    web = cast.ready(cast.builder("web").listener(told::add));
    traffic = cast.keep(SteadyTraffic.start(web, cast.lawless("evil"), db));
  }

  @AfterEach
  void stop() throws Exception {
    cast.close();
    plane.close();
  }

  private void awaitBoth(MeshState state) {
    Cast.await("web is " + state, () -> web.state() == state);
    Cast.await("db is " + state, () -> db.state() == state);
  }

  private <E extends MeshEvent> List<E> told(Class<E> kind) {
    return told.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** A connection of a guest, idle, to a listener of db's that accepts and does no more. */
  private SSLSocket guest() throws Exception {
    MeshClient guest = cast.lawless("guest");
    Cast.awaitEndpoint(guest, "db");
    SSLSocket socket = cast.keep(guest.dial("db"));
    Echo.ping(socket);
    return socket;
  }

  private static boolean isCut(SSLSocket socket) throws IOException {
    socket.setSoTimeout(1);
    try {
      return socket.getInputStream().read() == -1;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void aFaultIsToldAndHarmsNobodyAndPassesByItself(Fault fault) throws Exception {
    SSLSocket guest = guest();
    told.clear();
    fault.begin.accept(plane.faults());
    if (fault.makesStale()) {
      plane.cut(); // calls that blocked before know nothing of it
      awaitBoth(MeshState.STALE);
      Cast.await("the reason is told", () -> tells(fault.told));
    } else {
      plane.rotateRoot(); // ends calls that block; the next ones meet the fault
    }
    traffic.awaitProgress();
    plane.deny("guest", "db"); // while some of it cannot be read, or only late
    traffic.awaitProgress();
    if (fault.makesStale()) {
      assertThat(List.of(web.state(), db.state())).containsOnly(MeshState.STALE);
    }
    fault.end.accept(plane.faults());

    Cast.await("the denial has arrived", () -> !db.explain("guest").isAllowed());
    Cast.await("the guest is cut", () -> isCut(guest));
    awaitBoth(MeshState.READY);
    traffic.awaitProgress();
    assertToldTheTruth(fault);
    awaitConsistent();
    traffic.assertUntroubled();
  }

  private boolean tells(String reason) {
    return told(MeshEvent.ControlPlaneFailed.class).stream()
        .anyMatch(failed -> failed.cause().getMessage().contains(reason));
  }

  private void assertToldTheTruth(Fault fault) {
    List<MeshEvent.StateChanged> changes = told(MeshEvent.StateChanged.class);
    if (!fault.makesStale()) {
      assertThat(changes).isEmpty();
      assertThat(told(MeshEvent.ControlPlaneFailed.class)).isEmpty();
      return;
    }
    assertThat(changes)
        .extracting(MeshEvent.StateChanged::to)
        .containsOnly(MeshState.STALE, MeshState.READY);
    assertThat(changes.get(0).reason()).isNotBlank();
    assertThat(changes.get(changes.size() - 1).reason()).endsWith(" answers again");
    assertThat(told(MeshEvent.ControlPlaneFailed.class))
        .allSatisfy(failed -> assertThat(failed.cause().getMessage()).contains("; "));
    for (MeshEvent.ControlPlaneFailed failed : told(MeshEvent.ControlPlaneFailed.class)) {
      Cast.await(
          failed.source() + " is told to have recovered",
          () ->
              told(MeshEvent.ControlPlaneRecovered.class).stream()
                  .anyMatch(recovered -> recovered.source().equals(failed.source())));
    }
  }

  /** What the services hold is what the plane says, of policy, trust and endpoints. */
  private void awaitConsistent() throws Exception {
    for (String source : List.of("web", "evil", "guest", "nobody")) {
      boolean allowed = embedded.authorize("db", uri(source));
      Cast.await(
          "db says " + allowed + " of " + source, () -> db.explain(source).isAllowed() == allowed);
    }
    Cast.awaitReaches(web, "db", embedded.authorize("db", uri("web")));
    for (MeshClient client : List.of(web, db)) {
      Cast.await(
          client.service() + " has a leaf of the root that signs now",
          () ->
              client
                  .identity()
                  .chain()
                  .get(0)
                  .getIssuerX500Principal()
                  .equals(plane.authority().root().getSubjectX500Principal()));
      assertThat(SpiffeId.of(client.identity().chain().get(0))).isEqualTo(client.identity().id());
      assertThat(client.identity().id()).hasToString(uri(client.service()));
    }
    assertThat(web.endpoints(Destination.parse("db"))).hasSize(1);
  }

  private String uri(String service) {
    return "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/" + service;
  }

  @Test
  void anAgentThatRestartsIsFollowed() throws Exception {
    SSLSocket guest = guest();
    for (int restart = 0; restart < 3; restart++) {
      plane.restart();
      traffic.awaitProgress();
    }
    plane.deny("guest", "db");
    Cast.await("the guest is cut", () -> isCut(guest));
    awaitBoth(MeshState.READY);
    awaitConsistent();
    traffic.assertUntroubled();
  }

  /**
   * The plane has lost its intentions and says so twice: then it counts, and nothing is allowed on
   * this mesh. It is told, it lets nobody in, and it passes.
   */
  @Test
  void intentionsThatAreLostAreReadTwiceAndThenDenyUntilTheyAreBack() throws Exception {
    told.clear();
    plane.faults().emptyIntentions(true);
    Cast.await("db has lost its intentions", () -> db.snapshot().inboundIntentions() == 0);
    assertThat(db.explain("web").isAllowed()).isFalse();
    assertThat(told(MeshEvent.ControlPlaneFailed.class))
        .anySatisfy(failed ->
            assertThat(failed.cause())
                .hasMessageContaining("expected the state held before, found nothing after")
                .hasMessageContaining("it is read a second time, consistently"));
    plane.faults().emptyIntentions(false);
    Cast.await("db has its intentions back", () -> db.snapshot().inboundIntentions() == 3);
    Cast.awaitReaches(web, "db", true);
    awaitBoth(MeshState.READY);
    awaitConsistent();
    traffic.assertNobodyIntruded();
  }

  /** Faults that come and go in pairs and chains, by chance, and with them all that may change. */
  @Test
  void aStormOfFaultsPassesAndLeavesWhatThePlaneSays(TestReporter reporter) throws Exception {
    long seed = Optional.ofNullable(Long.getLong("mesh.chaos.seed")).orElseGet(System::nanoTime);
    reporter.publishEntry("mesh.chaos.seed", Long.toString(seed));
    List<String> log = new CopyOnWriteArrayList<>(List.of("-Dmesh.chaos.seed=" + seed));
    try {
      storm(new Random(seed), log);
      plane.faults().reset();
      awaitBoth(MeshState.READY);
      awaitConsistent();
      traffic.awaitProgress();
      traffic.assertUntroubled();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("in the storm " + log, e);
    }
  }

  private void storm(Random random, List<String> log) {
    List<Fault> on = new ArrayList<>();
    for (int step = 0; step < 40; step++) {
      int chance = random.nextInt(10);
      if (chance < 3) {
        Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
        log.add("+" + fault);
        fault.begin.accept(plane.faults());
        on.add(fault);
      } else if (chance < 6 && !on.isEmpty()) {
        Fault fault = on.remove(random.nextInt(on.size()));
        log.add("-" + fault);
        fault.end.accept(plane.faults());
      } else if (chance == 6) {
        boolean allow = random.nextBoolean();
        log.add(allow ? "allow" : "deny");
        EmbeddedControlPlane unused =
            allow ? plane.allow("guest", "db") : plane.deny("guest", "db");
      } else if (chance == 7 && !log.contains("rotate")) {
        // Once: who has missed two rotations has no path to the newest root, nor had to Consul's.
        log.add("rotate");
        plane.rotateRoot();
      } else if (chance == 8) {
        log.add("cut");
        plane.cut();
      } else {
        log.add("restart");
        plane.restart();
      }
      LockSupport.parkNanos(Duration.ofMillis(random.nextInt(150)).toNanos());
      traffic.assertUntroubled();
    }
  }
}
