package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.testkit.Agent.Answer;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BlockingQueryTest {
  private static final String MATCH = "/v1/connect/intentions/match?by=destination&name=billing";
  private static final String HEALTH = "/v1/health/connect/billing";

  private final EmbeddedControlPlane plane = EmbeddedControlPlane.start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  @Test
  void aMatchQueryWakesForAWriteToItsOwnDestination() {
    plane.allow("web", "billing");
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=60s&index=" + index);

    plane.deny("web", "billing");

    Answer answer = done(watch);
    assertThat(answer.index()).isGreaterThan(index);
    assertThat(answer.text("billing", 0, "Action")).isEqualTo("deny");
  }

  @Test
  void aMatchQueryWakesForAWriteToTheWildcardDestination() {
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=60s&index=" + index);

    plane.deny("*", "*");

    assertThat(done(watch).list("billing")).hasSize(1);
  }

  @Test
  void aMatchQueryDoesNotWakeForOtherDestinationsAndShowsItsOldIndexWhenTheTimeIsOver() {
    plane.allow("web", "billing");
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=1s&index=" + index);

    plane.allow("web", "ledger").register("x", "x-1", "127.0.0.1", 1);

    assertThat(done(watch).index()).isEqualTo(index);
    // The table has moved on meanwhile, so the next call returns at once with the same content.
    assertThat(agent.get(MATCH + "&wait=60s&index=" + index).index()).isGreaterThan(index);
  }

  @Test
  void aQueryThatTimesOutWaitsNoLessThanItWasAskedTo() {
    long index = agent.get(MATCH).index();
    long start = System.nanoTime();

    Answer answer = agent.get(MATCH + "&wait=300ms&index=" + index);

    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(Duration.ofMillis(300));
    assertThat(answer.index()).isEqualTo(index);
  }

  @Test
  void anIndexBeyondThePresentOneWaitsAndThenShowsThePresentOne() {
    plane.register("billing", "b1", "127.0.0.1", 1);
    long index = agent.get(HEALTH).index();

    assertThat(agent.get(HEALTH + "?wait=200ms&index=" + (index + 1000)).index()).isEqualTo(index);
  }

  @Test
  void aHealthQueryWakesForItsOwnServiceOnly() {
    plane.register("billing", "b1", "127.0.0.1", 1);
    long index = agent.get(HEALTH).index();
    CompletableFuture<Answer> watch = agent.blocked(HEALTH + "?wait=60s&index=" + index);

    plane.register("other", "o1", "127.0.0.1", 1).allow("a", "billing");
    assertThat(agent.get(HEALTH).index()).isEqualTo(index);
    assertThat(watch).isNotDone();

    plane.setHealth("b1", "critical");
    assertThat(done(watch).index()).isGreaterThan(index);
  }

  @Test
  void settingTheSameHealthAgainChangesNothing() {
    plane.register("billing", "b1", "127.0.0.1", 1);
    long index = agent.get(HEALTH).index();

    plane.setHealth("b1", "passing");

    assertThat(agent.get(HEALTH).index()).isEqualTo(index);
  }

  @Test
  void theLastInstanceThatLeavesWakesTheWatch() {
    plane.register("billing", "b1", "127.0.0.1", 1);
    long index = agent.get(HEALTH).index();
    CompletableFuture<Answer> watch = agent.blocked(HEALTH + "?wait=60s&index=" + index);

    plane.deregister("b1");

    assertThat(done(watch).list()).isEmpty();
    assertThat(done(watch).index()).isGreaterThan(index);
  }

  @Test
  void aLeafQueryBlocksUntilTheLeafIsReissued() {
    String leaf = "/v1/agent/connect/ca/leaf/web";
    Answer first = agent.get(leaf);
    assertThat(agent.get(leaf).body()).isEqualTo(first.body());
    CompletableFuture<Answer> watch = agent.blocked(leaf + "?wait=60s&index=" + first.index());

    plane.reissueLeaves();

    assertThat(done(watch).text("SerialNumber")).isNotEqualTo(first.text("SerialNumber"));
  }

  @Test
  void aChainQueryWakesForAnyIntention() {
    Answer first = agent.get("/v1/discovery-chain/shop");
    CompletableFuture<Answer> watch =
        agent.blocked("/v1/discovery-chain/shop?wait=60s&index=" + first.index());

    plane.allow("nobody", "nothing");

    assertThat(done(watch).index()).isGreaterThan(first.index());
  }

  @Test
  void aHundredCallsMayBlockAtOnceAndAllWake() {
    long index = agent.get(MATCH).index();
    List<CompletableFuture<Answer>> watches = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      watches.add(agent.later(MATCH + "&wait=60s&index=" + index));
    }
    await().atMost(Agent.GUARD).until(() -> plane.blockedCalls() == 100);

    plane.allow("web", "billing");

    assertThat(watches).allSatisfy(watch -> assertThat(done(watch).index()).isGreaterThan(index));
  }

  @Test
  void aClientThatGoesAwayFreesItsCall() throws Exception {
    long index = agent.get(MATCH).index();
    try (var socket = new Socket(InetAddress.getLoopbackAddress(), plane.address().getPort())) {
      String request =
          "GET " + MATCH + "&wait=600s&index=" + index + " HTTP/1.1\r\nHost: x\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      await().atMost(Agent.GUARD).until(() -> plane.blockedCalls() == 1);
    }
    await().atMost(Agent.GUARD).until(() -> plane.blockedCalls() == 0);
  }

  @Test
  void wrongParametersAreRefusedAsConsulDoes() {
    assertThat(agent.get(MATCH + "&index=abc"))
        .extracting(Answer::status, Answer::body)
        .containsExactly(400, "Invalid index");
    assertThat(agent.get(MATCH + "&index=5&wait=abc"))
        .extracting(Answer::status, Answer::body)
        .containsExactly(400, "Invalid wait time");
  }

  @Test
  void aShortLongestWaitEndsCallsEarly() {
    try (var brief = EmbeddedControlPlane.builder().maxWait(Duration.ofMillis(100)).start()) {
      Agent client = new Agent(brief);
      long index = client.get(MATCH).index();
      assertThat(client.get(MATCH + "&wait=600s&index=" + index).index()).isEqualTo(index);
    }
  }

  @Test
  void version18WakesForAnyIntentionAndShowsNoIndexOnMatch() {
    try (var old = EmbeddedControlPlane.builder().mimic(ConsulVersion.V1_8).start()) {
      Agent client = new Agent(old);
      long index = client.get("/v1/connect/intentions").index();
      CompletableFuture<Answer> watch = new Agent(old).blocked(MATCH + "&wait=60s&index=" + index);

      old.allow("web", "ledger");

      Answer answer = done(watch);
      assertThat(answer.header("X-Consul-Index")).isEmpty();
      assertThat(answer.header("X-Consul-Default-Acl-Policy")).isEmpty();
      assertThat(answer.at("billing")).isNull();
    }
  }
}
