package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.testkit.Agent.Answer;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The servers have no leader: what the agent answers all the same, and what fails. */
class NoLeaderTest {
  private static final String MATCH = "/v1/connect/intentions/match?by=destination&name=billing";
  private static final String ROOTS = "/v1/agent/connect/ca/roots";
  private static final String LEAF = "/v1/agent/connect/ca/leaf/web";

  private final EmbeddedControlPlane plane =
      EmbeddedControlPlane.builder().mimic(ConsulVersion.V1_8).start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  private void assertNoLeader(Answer answer) {
    assertThat(answer.status()).isEqualTo(500);
    assertThat(answer.body()).isEqualTo("No cluster leader");
  }

  @Test
  void whatNeedsServersFailsAsCapturedAndWhatWaitsFailsToo() {
    long roots = agent.get(ROOTS).index();
    long index = agent.get("/v1/connect/intentions").index();
    CompletableFuture<Answer> match = agent.blocked(MATCH + "&wait=60s&index=" + index);
    plane.faults().noLeader(true);
    assertNoLeader(done(match));
    assertNoLeader(agent.get(MATCH));
    assertNoLeader(agent.get(ROOTS + "?wait=60s&index=" + roots));
    assertNoLeader(agent.get(LEAF));
    Answer health = agent.get("/v1/health/connect/billing");
    assertNoLeader(health);
    assertThat(health.header("X-Consul-Index")).isEqualTo("1");
    assertThat(health.header("X-Consul-Knownleader")).isEqualTo("false");
    assertThat(agent.get("/v1/status/leader").body().strip()).isEqualTo("\"\"");
    plane.faults().reset();
    assertThat(agent.get(MATCH).status()).isEqualTo(200);
    assertThat(agent.get("/v1/status/leader").body()).contains("127.0.0.1");
  }

  @Test
  void theAgentsOwnAndItsCacheAreServed() {
    agent.get(ROOTS);
    String leaf = agent.get(LEAF).body();
    plane.register("billing", "billing-1", "127.0.0.1", 9443);
    plane.faults().noLeader(true);
    assertThat(agent.get(ROOTS).status()).isEqualTo(200);
    assertThat(agent.get(LEAF).body()).isEqualTo(leaf);
    assertThat(agent.get("/v1/agent/services").body()).contains("billing-1");
  }
}
