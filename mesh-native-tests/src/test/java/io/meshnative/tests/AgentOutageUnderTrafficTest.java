package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A real agent is killed, or stops to move, while services talk; and one that is not there yet. */
@ExtendWith(Quiet.class)
@Timeout(300)
class AgentOutageUnderTrafficTest {

  /** Services of a real agent that keeps its state, and what they tell. */
  private record Stage(
      ConsulAgent agent,
      Cast cast,
      MeshClient web,
      MeshClient db,
      SSLSocket guest,
      SteadyTraffic traffic,
      List<MeshEvent> told)
      implements AutoCloseable {
    static Stage set() throws Exception {
      ConsulAgent agent = ConsulAgent.startLasting();
      Cast cast = new Cast(agent);
      List<MeshEvent> told = new CopyOnWriteArrayList<>();
      agent.deny("evil", "db");
      // An agent that stood still for longer than a TTL says critical when it moves again, until
      // the next report; that would be another test.
      MeshClient db =
          cast.ready(
              agent.client("db").register(Cast.ofListener().withoutChecks()).listener(told::add));
      MeshClient web = cast.ready(agent.client("web").listener(told::add));
      SteadyTraffic traffic = cast.keep(SteadyTraffic.start(web, cast.lawless("evil"), db));
      MeshClient guest = cast.lawless("guest");
      Cast.awaitEndpoint(guest, "db");
      SSLSocket idle = cast.keep(guest.dial("db"));
      Echo.ping(idle);
      told.clear();
      return new Stage(agent, cast, web, db, idle, traffic, told);
    }

    void awaitStale() {
      Cast.await("web is stale", Duration.ofMinutes(3), () -> web.state() == MeshState.STALE);
      Cast.await("db is stale", Duration.ofMinutes(3), () -> db.state() == MeshState.STALE);
    }

    /** As before the trouble, without a restart of anybody. */
    void assertRecovered() throws Exception {
      Cast.await("db is ready", Duration.ofMinutes(3), () -> db.state() == MeshState.READY);
      Cast.await("web is ready", Duration.ofMinutes(3), () -> web.state() == MeshState.READY);
      Cast.await("the denial has arrived", () -> !db.explain("guest").isAllowed());
      guest.setSoTimeout((int) Cast.GUARD.toMillis());
      assertThatThrownBy(() -> guest.getInputStream().read())
          .isInstanceOf(IOException.class)
          .isNotInstanceOf(java.net.SocketTimeoutException.class);
      traffic.awaitProgress();
      assertThat(told)
          .filteredOn(MeshEvent.StateChanged.class::isInstance)
          .extracting(event -> ((MeshEvent.StateChanged) event).to())
          .containsOnly(MeshState.STALE, MeshState.READY);
      assertThat(told)
          .filteredOn(MeshEvent.ControlPlaneFailed.class::isInstance)
          .isNotEmpty()
          .allSatisfy(event ->
              assertThat(((MeshEvent.ControlPlaneFailed) event).cause().getMessage())
                  .contains(agent.httpAddr()));
      traffic.assertUntroubled();
    }

    @Override
    public void close() throws Exception {
      cast.close();
      agent.close();
    }
  }

  @Test
  void anAgentThatIsKilledAndStartedAgainIsFollowedAndNobodyNotices() throws Exception {
    RealPeers.requireConsul();
    try (Stage stage = Stage.set()) {
      stage.agent.kill();
      stage.awaitStale();
      stage.traffic.awaitProgress();
      stage.agent.startAgain();
      stage.agent.awaitUp();
      stage.agent.deny("guest", "db");
      stage.assertRecovered();
    }
  }

  /**
   * A hung agent takes connections and answers nothing, so only time tells: calls that wait for a
   * change are given up when they are overdue, about a minute after the agent froze.
   */
  @Test
  void anAgentThatHangsIsFoundOutAndWhatWasWrittenMeanwhileArrives() throws Exception {
    RealPeers.requireConsul();
    try (Stage stage = Stage.set()) {
      stage.agent.freeze();
      CompletableFuture<Void> flip =
          Background.run(() -> {
            try {
              stage.agent.deny("guest", "db"); // taken by the agent once it moves again
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      stage.awaitStale();
      stage.traffic.awaitProgress();
      assertThat(stage.db.explain("guest").isAllowed()).isTrue();
      stage.agent.thaw();
      flip.exceptionally(late -> null).join();
      stage.agent.deny("guest", "db"); // the first may have been given up too
      stage.assertRecovered();
    }
  }

  @Test
  void aClientThatFindsNoAgentSaysSoAndIsReadyOnceThereIsOne() throws Exception {
    int port = Ports.reserve();
    ConsulConfig config = ConsulConfig.builder().address("http://127.0.0.1:" + port).build();
    try (MeshClient web = MeshClient.builder("web").consul(config).build();
        MeshClient db =
            MeshClient.builder("db").consul(config).register(Cast.ofListener()).build()) {
      assertThatThrownBy(() -> web.awaitReady(Duration.ofSeconds(1)))
          .isInstanceOf(MeshNotReadyException.class)
          .hasMessageContaining("found it STARTING")
          .hasMessageContaining("from the Consul agent at http://127.0.0.1:" + port)
          .hasMessageContaining("last error")
          .hasMessageContaining("Failed to connect to /127.0.0.1:" + port)
          .hasMessageContaining("is the agent running, and is CONSUL_HTTP_ADDR its HTTP address?");
      try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().port(port).start()) {
        assertThat(plane.httpAddr()).endsWith(":" + port);
        web.awaitReady(Cast.GUARD);
        db.awaitReady(Cast.GUARD);
        assertThat(web.state()).isEqualTo(MeshState.READY);
        try (Echo echo =
            new Echo(db.listen(Cast.loopback(), io.meshnative.ListenOptions.defaults()))) {
          Cast.awaitEndpoint(web, "db");
          assertThat(Cast.reaches(web, "db")).isTrue();
          assertThat(echo.accepted()).isEqualTo(1);
        }
      }
    }
  }
}
