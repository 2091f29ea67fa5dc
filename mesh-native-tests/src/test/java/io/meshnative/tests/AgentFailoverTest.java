package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Clients that know two real agents of one cluster, and lose the one that they use. */
@ExtendWith(Quiet.class)
class AgentFailoverTest {
  private static final Duration PAUSE = Duration.ofMillis(5);

  private ConsulCluster cluster;
  private Cast cast;

  @BeforeEach
  void startCluster() throws Exception {
    RealPeers.requireConsul();
    cluster = ConsulCluster.start(1, 2);
    cast = new Cast(cluster.agent(0));
  }

  @AfterEach
  void stopCluster() throws Exception {
    if (cluster != null) {
      cast.close();
      cluster.close();
    }
  }

  private MeshClient.Builder client(String service) {
    return MeshClient.builder(service)
        .consul(
            ConsulConfig.builder()
                .addresses(
                    "http://" + cluster.agent(0).httpAddr(),
                    "http://" + cluster.agent(1).httpAddr())
                .build());
  }

  private static String services(ConsulAgent agent) throws IOException {
    return agent.api().require("GET", "/v1/agent/services", "");
  }

  @Test
  void theNextAgentTakesOverWithoutAGapAndTheServiceIsFoundThere() throws Exception {
    ConsulAgent operator = cluster.servers().get(0);
    operator.deny("intruder", "db");
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    MeshClient db = cast.ready(client("db").register(Cast.ofListener()).listener(events::add));
    MeshClient web = cast.ready(client("web").listener(events::add));
    MeshClient batch = cast.ready(client("batch"));
    Echo echo = cast.echo(db);
    String id = "db-" + echo.port();
    Cast.await("db is at the first agent", () -> services(cluster.agent(0)).contains(id));
    Cast.awaitEndpoint(web, "db");
    Cast.awaitEndpoint(batch, "db");
    SSLSocket open = cast.keep(batch.dial("db"));
    Echo.ping(open);
    try (Traffic traffic = new Traffic(web, PAUSE)) {
      traffic.awaitMore();

      cluster.agent(0).kill();

      Cast.await("db is at the second agent", () -> services(cluster.agent(1)).contains(id));
      traffic.awaitMore();
      // The servers notice that the node of the first agent is gone, and drop what was on it.
      Cast.await(
          "the node of the first agent has failed",
          () ->
              operator
                  .api()
                  .require("GET", "/v1/health/node/agent-1", "")
                  .contains("\"critical\""));
      traffic.awaitMore();
      assertThat(operator.api().require("GET", "/v1/health/connect/db?passing", "")).contains(id);
      operator.deny("batch", "db");
      Cast.await("what is denied is cut", open::isClosed);
      Cast.awaitReaches(batch, "db", false);
      traffic.awaitMore();

      cluster.startMissing();
      cluster.agent(1).kill();

      Cast.await("the first agent answers again", () -> services(cluster.agent(0)).contains(id));
      operator.allow("batch", "db");
      Cast.awaitReaches(batch, "db", true);
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
    assertThat(List.of(db.state(), web.state())).containsOnly(MeshState.READY);
    assertThat(events)
        .as("another agent answered at once: nothing has failed")
        .doesNotHaveAnyElementsOfTypes(MeshEvent.ControlPlaneFailed.class)
        .filteredOn(MeshEvent.StateChanged.class::isInstance)
        .extracting(event -> ((MeshEvent.StateChanged) event).to())
        .containsOnly(MeshState.READY);
    cluster.startMissing();
    db.close();
    Cast.await("db has left the first agent", () -> !services(cluster.agent(0)).contains(id));
    // The second agent was told as well; one that is too busy to listen lets the check run out.
    Cast.await(
        "nobody is sent to db any more",
        () -> !operator.api().require("GET", "/v1/health/connect/db?passing", "").contains(id));
  }
}
