package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.NoEndpointException;
import io.meshnative.StalePolicy;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The control plane goes away. A real agent is killed to see that services live on; it would come
 * back with another certificate authority, so recovery is proved on the embedded plane, whose
 * faults end.
 */
@ExtendWith(Quiet.class)
@Tag("P5")
@Tag("T26")
class OutageTest {

  /** A web that talks to db, and what both have told since. */
  private record Stage(MeshClient web, MeshClient db, SSLSocket open, List<MeshEvent> events) {
    static Stage of(Plane plane, Cast cast) throws Exception {
      List<MeshEvent> events = new CopyOnWriteArrayList<>();
      MeshClient db =
          cast.ready(plane.client("db").register(Cast.ofListener()).listener(events::add));
      MeshClient web = cast.ready(plane.client("web").listener(events::add));
      cast.echo(db);
      Cast.awaitEndpoint(web, "db");
      SSLSocket open = cast.keep(web.dial("db"));
      open.setSoTimeout((int) Cast.GUARD.toMillis());
      Echo.ping(open);
      return new Stage(web, db, open, events);
    }

    void awaitState(MeshState state) {
      Cast.await("web is " + state, () -> web.state() == state);
      Cast.await("db is " + state, () -> db.state() == state);
    }

    void assertServes() throws IOException {
      Echo.ping(open);
      assertThat(Cast.reaches(web, "db")).isTrue();
    }

    long count(Class<? extends MeshEvent> kind) {
      return events.stream().filter(kind::isInstance).count();
    }
  }

  @Test
  void aKilledAgentLeavesServicesStaleAndTrafficGoesOn() throws Exception {
    RealPeers.requireConsul();
    try (ConsulAgent agent = ConsulAgent.start(true);
        Cast cast = new Cast(agent)) {
      Stage stage = Stage.of(agent, cast);
      String address = agent.httpAddr();
      agent.kill();
      stage.awaitState(MeshState.STALE);
      stage.assertServes();
      assertThat(stage.events())
          .filteredOn(MeshEvent.ControlPlaneFailed.class::isInstance)
          .isNotEmpty()
          .allSatisfy(event ->
              assertThat(((MeshEvent.ControlPlaneFailed) event).cause())
                  .hasMessageContaining(address)
                  .hasMessageContaining("is the agent running"));
      assertThat(stage.events())
          .filteredOn(MeshEvent.StateChanged.class::isInstance)
          .extracting(event -> ((MeshEvent.StateChanged) event).to())
          .contains(MeshState.READY, MeshState.STALE)
          .doesNotContain(MeshState.EXPIRED);
      stage.assertServes();
    }
  }

  @Test
  void aPlaneThatComesBackIsFollowedAgainWithoutARestart() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      Stage stage = Stage.of(plane, cast);
      EmbeddedControlPlane embedded = plane.plane();
      embedded.faults().down();
      stage.awaitState(MeshState.STALE);
      stage.assertServes();
      assertThat(stage.count(MeshEvent.ControlPlaneFailed.class)).isPositive();
      assertThat(stage.count(MeshEvent.ControlPlaneRecovered.class)).isZero();

      embedded.deny("web", "db"); // written while nobody could read it
      stage.assertServes();
      embedded.faults().up();
      stage.awaitState(MeshState.READY);
      assertThat(stage.count(MeshEvent.ControlPlaneRecovered.class)).isPositive();
      Cast.await("what was denied meanwhile is cut", stage.open()::isClosed);
      Cast.awaitReaches(stage.web(), "db", false);
      embedded.allow("web", "db");
      Cast.awaitReaches(stage.web(), "db", true);
    }
  }

  @Test
  void aPlaneThatRestartsIsFollowedThoughItsIndexesFall() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      plane.allow("api", "db").allow("web", "db");
      Stage stage = Stage.of(plane, cast);
      plane.plane().restart();
      stage.assertServes();
      plane.deny("web", "db");
      Cast.await("the deny is followed", stage.open()::isClosed);
      Cast.awaitReaches(stage.web(), "db", false);
      plane.allow("web", "db");
      Cast.awaitReaches(stage.web(), "db", true);
      stage.awaitState(MeshState.READY);
    }
  }

  /**
   * HTTP clients repeat a GET whose connection breaks. An agent that restarted counts from below,
   * so that a call repeated with the index of before would sleep through a deny until its hold is
   * over.
   */
  @Test
  void aCallThatWasCutIsNotRepeatedWithTheIndexOfBefore() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        AgentRelay relay = new AgentRelay(plane.httpAddr());
        Cast cast = new Cast(plane)) {
      ConsulConfig config = ConsulConfig.builder().address("http://" + relay.httpAddr()).build();
      MeshClient db = cast.ready(MeshClient.builder("db").consul(config));
      List<MeshEvent> events = new CopyOnWriteArrayList<>();
      cast.keep(db.subscribe(events::add)::close);
      for (int round = 1; round <= 3; round++) {
        int seen = relay.asked().size();
        events.clear();
        relay.breakConnections(path -> isBlockingMatch(path));
        plane.allow(
            "round-" + round,
            "db"); // ends the call that blocks, so that the next one comes and is cut
        Cast.await(
            "a blocking call was cut",
            () -> later(relay, seen).stream().anyMatch(OutageTest::isBlockingMatch));
        Cast.await(
            "the client asked again",
            () ->
                later(relay, seen).stream()
                    .anyMatch(path -> isMatch(path) && !isBlockingMatch(path)));
        relay.breakConnections(path -> false);
        List<String> matches = later(relay, seen).stream().filter(OutageTest::isMatch).toList();
        for (int i = 1; i < matches.size(); i++) {
          assertThat(isBlockingMatch(matches.get(i)) && isBlockingMatch(matches.get(i - 1)))
              .as("two blocking calls in a row in %s", matches)
              .isFalse();
        }
        Cast.await(
            "the failure was told",
            () -> events.stream().anyMatch(MeshEvent.ControlPlaneFailed.class::isInstance));
        Cast.await("it is well again", () -> db.state() == MeshState.READY);
        int held = round;
        Cast.await("and follows", () -> db.snapshot().inboundIntentions() == held);
      }
    }
  }

  private static List<String> later(AgentRelay relay, int from) {
    List<String> asked = List.copyOf(relay.asked());
    return asked.subList(from, asked.size());
  }

  private static boolean isMatch(String path) {
    return path.startsWith("/v1/connect/intentions/match") && path.contains("by=destination");
  }

  private static boolean isBlockingMatch(String path) {
    return isMatch(path) && path.contains("index=");
  }

  @Test
  void aPlaneThatAnswersErrorsLeavesServicesStaleUntilItIsWell() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      Stage stage = Stage.of(plane, cast);
      plane.plane().faults().status("/v1/connect/intentions/match", 500, "No cluster leader");
      plane
          .allow("batch", "db")
          .allow("batch", "web"); // ends the calls that block; the next ones meet the error
      stage.awaitState(MeshState.STALE);
      stage.assertServes();
      Cast.await(
          "the failure is told in the agent's words",
          () ->
              stage.events().stream()
                  .anyMatch(event ->
                      event instanceof MeshEvent.ControlPlaneFailed failed
                          && failed.cause().getMessage().contains("No cluster leader")));
      plane.plane().faults().reset();
      stage.awaitState(MeshState.READY);
      stage.assertServes();
    }
  }

  @Test
  void aStalePolicyThatEndsDeniesUntilThePlaneIsBack() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      MeshClient db =
          cast.ready(
              plane
                  .client("db")
                  .register(Cast.ofListener())
                  .stalePolicy(StalePolicy.denyAfter(Duration.ofMillis(300))));
      MeshClient web = cast.lawless("web");
      cast.echo(db);
      Cast.awaitEndpoint(web, "db");
      SSLSocket open = cast.keep(web.dial("db"));
      Echo.ping(open);
      plane.plane().faults().down();
      Cast.await("db's policy has ended", () -> db.state() == MeshState.EXPIRED);
      assertThatThrownBy(() -> open.getInputStream().read()).isInstanceOf(IOException.class);
      assertThat(Cast.reaches(web, "db")).isFalse();
      assertThat(db.explain("web").reason()).contains("stale policy");
      plane.plane().faults().up();
      Cast.await("db is ready again", () -> db.state() == MeshState.READY);
      Cast.await("web reaches db again", () -> reachesWhereFound(web, "db"));
    }
  }

  /** A service that denies everything reports itself critical, and for a while is not found. */
  private static boolean reachesWhereFound(MeshClient from, String to) throws IOException {
    try {
      return Cast.reaches(from, to);
    } catch (NoEndpointException e) {
      return false;
    }
  }

  @Test
  void aClientWithoutAgentSaysWhereItLookedWhatItMetAndWhatToDo() throws Exception {
    int port = Ports.reserve();
    ConsulConfig config = ConsulConfig.builder().address("http://127.0.0.1:" + port).build();
    try (MeshClient web = MeshClient.builder("web").consul(config).build()) {
      Cast.await("it has tried", () -> lastError(web) != null);
      assertThatThrownBy(() -> web.awaitReady(Duration.ofMillis(1)))
          .isInstanceOf(MeshNotReadyException.class)
          .hasMessageContaining("expected the mesh client of web to be ready")
          .hasMessageContaining("found it STARTING")
          .hasMessageContaining("an identity")
          .hasMessageContaining("127.0.0.1:" + port)
          .hasMessageContaining("last error")
          .hasMessageContaining("ConnectException")
          .hasMessageContaining("is the agent running, and is CONSUL_HTTP_ADDR its HTTP address?")
          .hasCauseInstanceOf(IOException.class);
      assertThat(web.state()).isEqualTo(MeshState.STARTING);
      assertThat(web.whenReady().toCompletableFuture()).isNotDone();
      assertThatThrownBy(() -> web.identity()).isInstanceOf(IllegalStateException.class);
    }
  }

  private static Throwable lastError(MeshClient client) throws InterruptedException {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return null;
    } catch (MeshNotReadyException e) {
      return e.getCause();
    }
  }

  @Test
  void aClientThatStartsBeforeItsAgentBecomesReadyOnceItIsThere() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      plane.plane().faults().down();
      MeshClient web = cast.keep(plane.client("web").build());
      Cast.await("it has tried", () -> lastError(web) != null);
      assertThat(web.state()).isEqualTo(MeshState.STARTING);
      plane.plane().faults().up();
      web.awaitReady(Cast.GUARD);
      assertThat(web.state()).isEqualTo(MeshState.READY);
    }
  }
}
