package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.testkit.Agent.Answer;
import io.meshnative.testkit.internal.Json;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers that lie, and an agent that is stuck. */
class MoreFaultsTest {
  private static final String LEAF = "/v1/agent/connect/ca/leaf/web";

  private EmbeddedControlPlane plane =
      EmbeddedControlPlane.builder().leafJitter(Duration.ZERO).start();
  private Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  @Test
  void garbageHasTheRightStatusAndIsNotJson() {
    plane.faults().garbageBodies(true);

    Answer answer = agent.get(LEAF);

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Content-Type")).isEqualTo("application/json");
    assertThatThrownBy(() -> Json.read(answer.body())).isInstanceOf(Json.MalformedJson.class);
    plane.faults().reset();
    assertThat(agent.get(LEAF).text("Service")).isEqualTo("web");
  }

  @Test
  void aSlowDripArrivesWholeInTheEnd() {
    plane.faults().slowDrip(Duration.ofMillis(5));

    assertThat(agent.get("/v1/status/leader").body()).isEqualTo("\"127.0.0.1:8300\"");
  }

  @Test
  void theKeyOfAnotherWakesTheWatchAndIsNotTheLeafs() {
    String right = agent.get(LEAF).text("PrivateKeyPEM");
    CompletableFuture<Answer> watch =
        agent.blocked(LEAF + "?wait=60s&index=" + agent.get(LEAF).index());

    plane.faults().leafWithOtherKey(true);

    Answer wrong = done(watch);
    assertThat(wrong.text("PrivateKeyPEM")).startsWith("-----BEGIN EC PRIVATE KEY-----");
    String again = agent.get(LEAF).text("PrivateKeyPEM");
    assertThat(again).isEqualTo(wrong.text("PrivateKeyPEM")).isNotEqualTo(right);
    plane.faults().reset();
    assertThat(agent.get(LEAF).text("PrivateKeyPEM")).isNotEqualTo(again);
  }

  @Test
  void anAgentWhoseClockIsAheadIssuesLeavesOfTheFuture() {
    plane.faults().clockSkew(Duration.ofHours(2));

    assertThat(Instant.parse(agent.get(LEAF).text("ValidAfter"))).isAfter(Instant.now());
    plane.faults().reset();
    assertThat(Instant.parse(agent.get(LEAF).text("ValidAfter"))).isBefore(Instant.now());
  }

  @Test
  void withTheDefectOneRotationRenewsALeafAndNoLaterOneDoes() {
    plane.close();
    plane =
        EmbeddedControlPlane.builder().leafJitter(Duration.ZERO).mimicRotationDefect(true).start();
    agent = new Agent(plane);
    String first = agent.get(LEAF).text("SerialNumber");
    plane.rotateRoot();
    String second = agent.get(LEAF).text("SerialNumber");
    assertThat(second).isNotEqualTo(first);
    long index = agent.get(LEAF).index();

    plane.rotateRoot();

    assertThat(agent.get(LEAF).text("SerialNumber")).isEqualTo(second);
    assertThat(done(agent.later(LEAF + "?wait=50ms&index=" + index)).text("SerialNumber"))
        .isEqualTo(second);
    // The one way out, and with ACLs off any text will do (c.6).
    assertThat(agent.withToken("made-up").get(LEAF).text("SerialNumber")).isNotEqualTo(second);
  }

  @Test
  void aWatchOfAnInstanceEndsWhenItsContentChanges() {
    plane.register("web", "web-1", "127.0.0.1", 1);
    String hash = agent.get("/v1/agent/service/web-1").header("X-Consul-ContentHash");
    CompletableFuture<Answer> watch =
        agent.blocked("/v1/agent/service/web-1?wait=60s&hash=" + hash);
    await().until(() -> plane.blockedCalls() == 1);

    plane.register("web", "web-1", "127.0.0.1", 2);

    assertThat(done(watch).at("Port")).isEqualTo(2L);
  }

  @Test
  void healthRowsAreFilteredByExpressions() {
    plane.register(ServiceRow.nativeService("pay", "pay-1", "127.0.0.1", 1).meta("v", "1"));
    plane.register(ServiceRow.nativeService("pay", "pay-2", "127.0.0.1", 2).meta("v", "2"));

    assertThat(rows("Service.Meta.v == \"1\"")).isEqualTo(1);
    assertThat(rows("Service.Meta.v != \"1\" and Service.Port == 2")).isEqualTo(1);
    assertThat(rows("not Service.ID matches \"pay-[12]\" or v not in Service.Meta")).isZero();
    assertThat(rows("Checks.Status == \"passing\"")).isEqualTo(2);
    assertThat(rows("(Service.Meta.nope == \"x\")")).isZero();
    assertThat(rows("Service.Tags is empty")).isEqualTo(2);
    assertThat(health("Nope == 1").status()).isEqualTo(500);
    assertThat(health("Nope == 1").body())
        .isEqualTo("Failed to create boolean expression evaluator: Selector \"Nope\" is not valid");
  }

  private Answer health(String filter) {
    String encoded = java.net.URLEncoder.encode(filter, java.nio.charset.StandardCharsets.UTF_8);
    return agent.get("/v1/health/connect/pay?filter=" + encoded);
  }

  private int rows(String filter) {
    Answer answer = health(filter);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.list().size();
  }
}
