package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.meshnative.ControlPlaneException;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.spi.IntentionUpdate;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IntentionsTest {
  private static final String MATCH = "/v1/connect/intentions/match?by=destination&name=billing";

  private static MockResponse headerless(String body) {
    return new MockResponse.Builder().code(200).body(body).build();
  }

  @Test
  void anAgentWithoutIndexOnMatchIsWatchedByTheIndexOfTheListReadBefore() throws Exception {
    // Consul 1.8.7: match blocks on an index but sends none.
    try (Agents agent =
        Agents.answering(request ->
            request.getTarget().equals("/v1/connect/intentions")
                ? Agents.json("17", "[]")
                : headerless("{\"billing\":null}"))) {
      Wiring wiring = agent.wiring("billing");
      MatchQuery query = new MatchQuery(wiring, new Calls(), true);

      assertThat(query.read(0).index()).isEqualTo(17);
      assertThat(agent.targets()).containsExactly(MATCH, "/v1/connect/intentions", MATCH);
      agent.requests.clear();
      assertThat(query.read(17).index()).as("the next call reads anew").isZero();
      assertThat(agent.targets()).containsExactly(MATCH + "&index=17&wait=50000ms");
      agent.requests.clear();
      assertThat(query.read(0).index()).isEqualTo(17);
      assertThat(agent.targets()).containsExactly("/v1/connect/intentions", MATCH);
    }
  }

  @Test
  void anAgentWithIndexOnMatchIsAskedForNothingElse() throws Exception {
    try (Agents agent = Agents.answering(request -> Agents.json("23", "{\"billing\":null}"))) {
      MatchQuery query = new MatchQuery(agent.wiring("billing"), new Calls(), true);
      assertThat(query.read(0).index()).isEqualTo(23);
      assertThat(query.read(23).index()).isEqualTo(23);
      assertThat(agent.targets()).containsExactly(MATCH, MATCH + "&index=23&wait=50000ms");
    }
  }

  @Test
  void theSecondReadIsConsistent() throws Exception {
    try (Agents agent = Agents.answering(request -> Agents.json("23", "{\"billing\":null}"))) {
      new MatchQuery(agent.wiring("billing"), new Calls(), true).confirm();
      assertThat(agent.targets()).containsExactly(MATCH + "&consistent");
    }
  }

  @Test
  void outboundIntentionsThatMayNotBeReadAreNoneButInboundOnesAreAFailure() throws Exception {
    ControlPlaneException denied = new ControlPlaneException("denied", 403, null, null);
    ControlPlaneException broken = new ControlPlaneException("broken", 500, null, null);
    try (Agents agent = Agents.answering(request -> null)) {
      Wiring wiring = agent.wiring("billing");
      assertThat(new MatchQuery(wiring, new Calls(), false).instead(denied)).isEmpty();
      assertThat(new MatchQuery(wiring, new Calls(), false).instead(broken)).isNull();
      assertThat(new MatchQuery(wiring, new Calls(), true).instead(denied)).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1.8.7, acl-authorize-default-deny, DENY",
    "1.8.7, authorize-default-acls-disabled, ALLOW",
    "1.10.3, authorize-default-acls-default-allow, ALLOW",
    "1.10.3, authorize-default-acls-default-deny, DENY",
    "1.10.3, authorize-default-acls-disabled, ALLOW",
    "1.10.3, authorize-default-acls-disabled-default-policy-deny, ALLOW",
  })
  void theDefaultIsReadFromTheReasonForASourceThatCannotExist(
      String version, String file, DefaultDecision expected) throws Exception {
    try (Agents agent = Agents.answering(request -> Exchange.load(version, file).response())) {
      assertThat(new DefaultProbe(agent.wiring("billing"), new Calls()).ask(List.of()))
          .isEqualTo(expected);
      assertThat(agent.requests.get(0).getMethod()).isEqualTo("POST");
      assertThat(agent.requests.get(0).getBody().utf8())
          .contains("\"Target\":\"billing\"", "/ns/default/", DefaultProbe.NOBODY);
    }
  }

  @ParameterizedTest
  @CsvSource({"true, ALLOW", "false, DENY"})
  void behindAnIntentionForEveryoneTheDefaultIsAskedForBetweenTwoThatCannotExist(
      boolean allowed, DefaultDecision expected) throws Exception {
    try (Agents agent =
        Agents.answering(request ->
            request.getTarget().startsWith("/v1/connect/intentions/check")
                ? headerless("{\"Allowed\":" + allowed + "}")
                : headerless(
                    "{\"Authorized\":true,\"Reason\":\"Matched L4 intention: default/* =>"
                        + " default/b\"}"))) {
      DefaultProbe probe = new DefaultProbe(agent.wiring("billing"), new Calls());
      assertThat(probe.ask(List.of(intention("*", "billing")))).isEqualTo(expected);
      assertThat(probe.ask(List.of(intention("*", "*")))).isEqualTo(DefaultDecision.UNKNOWN);
    }
  }

  private static Intention intention(String source, String destination) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", destination),
        Optional.of(Intention.Action.ALLOW),
        List.of(),
        5,
        false,
        "",
        List.of());
  }

  @Test
  void aReasonThatIsNotKnownAndAForbiddenCheckLeaveTheDefaultUnknown() throws Exception {
    try (Agents agent =
        Agents.answering(request ->
            request.getMethod().equals("POST")
                ? headerless("{\"Authorized\":true,\"Reason\":\"Because\"}")
                : new MockResponse.Builder().code(403).body("Permission denied").build())) {
      assertThat(new DefaultProbe(agent.wiring("billing"), new Calls()).ask(List.of()))
          .isEqualTo(DefaultDecision.UNKNOWN);
    }
  }

  @Test
  void anAgentInTroubleIsAFailureNotAnUnknownDefault() throws Exception {
    try (Agents agent =
        Agents.answering(request -> Exchange.load("1.8.7", "no-leader-authorize").response())) {
      DefaultProbe probe = new DefaultProbe(agent.wiring("billing"), new Calls());
      assertThatExceptionOfType(ControlPlaneException.class).isThrownBy(() -> probe.ask(List.of()));
    }
  }

  @Test
  void theHoldOfTheWatchLeavesTimeToAskForTheDefaultWithinAMinute() {
    assertThat(MatchQuery.HOLD.plus(MatchQuery.HOLD.dividedBy(16)))
        .isLessThan(Duration.ofSeconds(60));
  }

  @Test
  void nothingIsPushedBeforeInboundAndDefaultAreKnownAndOutboundMayBeForbidden()
      throws IOException {
    Map<String, MockResponse> answers = new ConcurrentHashMap<>();
    answers.put(
        "match-destination", Exchange.load("1.10.3", "intentions-match-destination-l4").response());
    answers.put(
        "match-source", new MockResponse.Builder().code(403).body("Permission denied").build());
    answers.put(
        "authorize", new MockResponse.Builder().code(500).body("No cluster leader").build());
    try (Agents agent =
        Agents.answering(request -> {
          String target = request.getTarget();
          if (target.contains("index=")) {
            return new MockResponse.Builder()
                .code(500)
                .body("later")
                .headersDelay(1, TimeUnit.HOURS)
                .build();
          }
          return answers.get(
              target.contains("by=destination")
                  ? "match-destination"
                  : target.contains("by=source") ? "match-source" : "authorize");
        })) {
      Recorder<IntentionUpdate> recorder = new Recorder<>();
      try (ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "billing")) {
        plane.intentions().start(recorder);
        recorder.awaitFailure();
        assertThat(recorder.values).isEmpty();
        answers.put(
            "authorize", Exchange.load("1.10.3", "authorize-default-acls-default-deny").response());
        var update = recorder.awaitValue();
        assertThat(update.inbound()).hasSize(2);
        assertThat(update.outbound()).isEmpty();
        assertThat(update.defaultDecision()).isEqualTo(DefaultDecision.DENY);
      }
    }
  }

  @Test
  void aDefaultThatCannotBeToldAnyMoreStaysAsItWasTold() throws Exception {
    Map<String, MockResponse> answers = new ConcurrentHashMap<>();
    answers.put("authorize", Exchange.load("1.10.3", "authorize-default-acls-disabled").response());
    CountDownLatch change = new CountDownLatch(1);
    CountDownLatch checked = new CountDownLatch(1);
    try (Agents agent =
        Agents.answering(request -> {
          String target = request.getTarget();
          if (target.contains("index=5")) {
            awaitQuietly(change);
            return Agents.json("6", "{\"billing\":[]}");
          }
          if (target.contains("index=")) {
            return new MockResponse.Builder().code(500).headersDelay(1, TimeUnit.HOURS).build();
          }
          if (target.contains("/check")) {
            checked.countDown();
            return new MockResponse.Builder().code(403).body("Permission denied").build();
          }
          return target.contains("by=destination")
              ? Agents.json("5", "{\"billing\":null}")
              : target.contains("by=source")
                  ? Agents.json("7", "{\"billing\":null}")
                  : answers.get("authorize");
        })) {
      FakeClock clock = new FakeClock();
      Wiring wiring =
          new Wiring(
              agent.config(),
              new AgentClient(agent.config()),
              "billing",
              clock,
              new java.util.SplittableRandom(1));
      Intentions intentions = new Intentions(wiring);
      Recorder<IntentionUpdate> recorder = new Recorder<>();
      intentions.start(recorder);
      assertThat(recorder.awaitValue().defaultDecision()).isEqualTo(DefaultDecision.ALLOW);
      // The other direction is asked on a thread of its own, before or after.
      await().until(() -> recorder.awaitValue().outboundKnown());
      int told = recorder.values.size();

      answers.put(
          "authorize", headerless("{\"Authorized\":false,\"Reason\":\"Matched L4 intention: x\"}"));
      clock.advance(Duration.ofMinutes(1));
      change.countDown();
      assertThat(checked.await(60, TimeUnit.SECONDS)).isTrue();
      await().until(() -> agent.targets().stream().anyMatch(target -> target.contains("index=6")));
      intentions.close();
      assertThat(recorder.values)
          .hasSize(told + 1)
          .allSatisfy(
              update -> assertThat(update.defaultDecision()).isEqualTo(DefaultDecision.ALLOW));
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
