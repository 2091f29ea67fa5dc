package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The agent goes and comes back, the servers go and come back, on a plane that keeps its data.
 * Allowed traffic goes on, what is denied stays so, states and events tell the truth, and no client
 * is restarted.
 */
@ParameterizedClass(name = "{0}")
@EnumSource(PlaneKind.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class OutageContractTest {
  private static final Duration PAUSE = Duration.ofMillis(5);

  @Parameter PlaneKind kind;

  private LastingPlane plane;
  private Cast cast;

  @BeforeParameterizedClassInvocation
  void startPlane() throws IOException {
    plane = kind.startLasting();
  }

  @AfterParameterizedClassInvocation
  void stopPlane() {
    if (plane != null) {
      plane.close();
    }
  }

  @BeforeEach
  void beginWithNobody() {
    cast = new Cast(plane.agent());
  }

  @AfterEach
  void leaveNothing() throws Exception {
    plane.regainServers();
    plane.regainAgent();
    cast.close();
    plane.operator().removeAllIntentions();
  }

  /** Web and batch, who may call db, an intruder who may not, and what db and web have told. */
  private final class Stage {
    final List<MeshEvent> webEvents = new CopyOnWriteArrayList<>();
    final List<MeshEvent> dbEvents = new CopyOnWriteArrayList<>();
    final MeshClient db;
    final MeshClient web;
    final MeshClient batch;
    final MeshClient intruder;
    final Echo echo;
    final SSLSocket open;

    Stage() throws Exception {
      plane.operator().deny("intruder", "db");
      db = cast.ready(cast.builder("db").register(Cast.ofListener()).listener(dbEvents::add));
      web = cast.ready(cast.builder("web").listener(webEvents::add));
      batch = cast.lawless("batch");
      intruder = cast.lawless("intruder");
      echo = cast.echo(db);
      Cast.awaitEndpoint(web, "db");
      Cast.awaitEndpoint(batch, "db");
      Cast.awaitEndpoint(intruder, "db");
      open = cast.keep(batch.dial("db"));
      open.setSoTimeout((int) Cast.GUARD.toMillis());
      Echo.ping(open);
    }

    void awaitState(MeshState state) {
      Cast.await("web is " + state, () -> web.state() == state);
      Cast.await("db is " + state, () -> db.state() == state);
    }

    void assertServes() throws IOException {
      Echo.ping(open);
      assertThat(Cast.reaches(batch, "db")).isTrue();
      assertThat(Cast.reaches(intruder, "db")).as("what is denied stays denied").isFalse();
    }

    /** From ready to stale and back, however often, and nothing else. */
    void assertTheTruthWasTold(List<MeshEvent> events) {
      List<MeshState> states =
          events.stream()
              .filter(MeshEvent.StateChanged.class::isInstance)
              .map(event -> ((MeshEvent.StateChanged) event).to())
              .toList();
      assertThat(states)
          .startsWith(MeshState.READY, MeshState.STALE)
          .endsWith(MeshState.READY)
          .containsOnly(MeshState.READY, MeshState.STALE);
      assertThat(events)
          .hasAtLeastOneElementOfType(MeshEvent.ControlPlaneFailed.class)
          .hasAtLeastOneElementOfType(MeshEvent.ControlPlaneRecovered.class);
    }
  }

  private static void assertCut(SSLSocket socket) {
    assertThatThrownBy(() -> socket.getInputStream().read())
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
  }

  private String rows() throws IOException {
    return plane.operator().api().require("GET", "/v1/health/connect/db?passing", "");
  }

  @Test
  void anAgentThatIsKilledAndStartedAnewIsFollowedAgain() throws Exception {
    Stage stage = new Stage();
    try (Traffic traffic = new Traffic(stage.web, PAUSE)) {
      traffic.awaitMore();
      plane.loseAgent();
      stage.awaitState(MeshState.STALE);
      assertThat(stage.dbEvents)
          .filteredOn(MeshEvent.ControlPlaneFailed.class::isInstance)
          .isNotEmpty()
          .allSatisfy(event ->
              assertThat(((MeshEvent.ControlPlaneFailed) event).cause())
                  .hasMessageContaining(plane.agent().httpAddr())
                  .hasMessageContaining("is the agent running"));
      stage.assertServes();
      traffic.awaitMore();
      plane.operator().deny("batch", "db"); // while nobody can read it
      stage.assertServes();

      plane.regainAgent();

      stage.awaitState(MeshState.READY);
      assertCut(stage.open); // it was denied meanwhile
      assertThat(Cast.reaches(stage.batch, "db")).isFalse();
      assertThat(Cast.reaches(stage.intruder, "db")).isFalse();
      plane.operator().allow("batch", "db");
      Cast.awaitReaches(stage.batch, "db", true);
      Cast.await("db is found", () -> rows().contains("db-" + stage.echo.port()));
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
    stage.assertTheTruthWasTold(stage.dbEvents);
    stage.assertTheTruthWasTold(stage.webEvents);
    stage.db.close();
    Cast.await("db has left", () -> !rows().contains("db-" + stage.echo.port()));
  }

  @Test
  void withoutServersTheServicesLiveOnAndNewOnesWait() throws Exception {
    Stage stage = new Stage();
    try (Traffic traffic = new Traffic(stage.web, PAUSE)) {
      traffic.awaitMore();
      plane.loseServers();
      stage.awaitState(MeshState.STALE);
      assertThat(stage.dbEvents)
          .filteredOn(MeshEvent.ControlPlaneFailed.class::isInstance)
          .isNotEmpty()
          .allSatisfy(event ->
              assertThat(((MeshEvent.ControlPlaneFailed) event).cause())
                  .hasMessageContaining("found 500")
                  .hasMessageContaining("the last good state goes on"));
      MeshClient late = cast.keep(cast.builder("late-" + kind.ordinal()).build());
      Cast.await("a new client says what it met", () -> reasonOf(late).contains("found 500"));
      assertThat(late.state()).isEqualTo(MeshState.STARTING);
      stage.assertServes();
      traffic.awaitMore();

      plane.regainServers();

      late.awaitReady(Cast.GUARD);
      stage.awaitState(MeshState.READY);
      stage.assertServes();
      plane.operator().deny("batch", "db");
      assertCut(stage.open);
      Cast.awaitReaches(stage.batch, "db", false);
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
    stage.assertTheTruthWasTold(stage.dbEvents);
    stage.assertTheTruthWasTold(stage.webEvents);
  }

  private static String reasonOf(MeshClient client) throws InterruptedException {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return "";
    } catch (MeshNotReadyException e) {
      return e.getMessage();
    }
  }
}
