package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.IntentionUpdate;
import io.meshnative.spi.TrustUpdate;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConsulControlPlaneTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);

  /** Blocking calls hang until the client gives up. */
  private static Function<RecordedRequest, MockResponse> holding(
      Map<String, MockResponse> answers) {
    return request -> {
      String target = request.getTarget();
      if (target.contains("index=")) {
        return new MockResponse.Builder().code(500).headersDelay(1, TimeUnit.HOURS).build();
      }
      return answers.entrySet().stream()
          .filter(entry -> target.startsWith(entry.getKey()))
          .map(Map.Entry::getValue)
          .findFirst()
          .orElse(null);
    };
  }

  private static Map<String, MockResponse> billing() {
    Map<String, MockResponse> answers = new ConcurrentHashMap<>();
    answers.put("/v1/agent/connect/ca/roots", Exchange.load("1.10.3", "ca-roots").response());
    answers.put("/v1/agent/connect/ca/leaf/billing", Exchange.load("1.10.3", "ca-leaf").response());
    answers.put(
        "/v1/health/connect/pay",
        Exchange.load("1.10.3", "health-connect-native-mixed-passing").response());
    answers.put(
        "/v1/connect/intentions/match?by=destination",
        Exchange.load("1.10.3", "intentions-match-destination-l4").response());
    answers.put("/v1/connect/intentions/match?by=source", Agents.json("3", "{\"billing\":[]}"));
    answers.put(
        "/v1/agent/connect/authorize",
        Exchange.load("1.10.3", "authorize-default-acls-disabled").response());
    return answers;
  }

  private static List<String> threads(String service) {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.startsWith("mesh-" + service + "-"))
        .toList();
  }

  @Test
  void allFourSourcesSpeakAndCloseLeavesNoThread() throws Exception {
    try (Agents agent = Agents.answering(holding(billing()))) {
      Recorder<TrustUpdate> trust = new Recorder<>();
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      Recorder<IntentionUpdate> intentions = new Recorder<>();
      Recorder<EndpointSet> endpoints = new Recorder<>();
      ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "billing");
      plane.trust().start(trust);
      plane.identity().start(identity);
      plane.intentions().start(intentions);
      plane.endpoints().watch(Destination.parse("pay"), endpoints);

      assertThat(identity.awaitValue().id().consulId()).isPresent();
      assertThat(trust.awaitValue().local()).isEqualTo(identity.awaitValue().id().trustDomain());
      assertThat(intentions.awaitValue().inbound()).hasSize(2);
      assertThat(endpoints.awaitValue().endpoints()).isNotEmpty();
      assertThat(plane.datacenter()).contains("dc1");
      await()
          .atMost(GENEROUS)
          .until(() -> agent.targets().stream().filter(t -> t.contains("index=")).count() >= 5);
      assertThat(threads("billing"))
          .containsExactlyInAnyOrder(
              "mesh-billing-roots",
              "mesh-billing-leaf",
              "mesh-billing-intentions",
              "mesh-billing-intentions-outbound",
              "mesh-billing-endpoints-pay",
              "mesh-billing-endpoints-rotating");

      plane.close();
      plane.close();
      assertThat(threads("billing")).isEmpty();
      assertThat(
              List.of(trust.failures, identity.failures, intentions.failures, endpoints.failures))
          .allSatisfy(failures -> assertThat(failures).isEmpty());
    }
  }

  @Test
  void rootsComeBeforeTheLeafAlsoWhereNobodyAskedForThem() throws Exception {
    Map<String, MockResponse> answers = billing();
    MockResponse roots = answers.remove("/v1/agent/connect/ca/roots");
    try (Agents agent = Agents.answering(holding(answers));
        ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "billing")) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      await()
          .atMost(GENEROUS)
          .until(() -> agent.targets().stream().filter(t -> t.contains("roots")).count() >= 2);
      assertThat(agent.targets()).noneMatch(target -> target.contains("leaf"));
      answers.put("/v1/agent/connect/ca/roots", roots);
      identity.awaitValue();
      Recorder<TrustUpdate> late = new Recorder<>();
      plane.trust().start(late);
      assertThat(late.values).hasSize(1);
    }
  }

  @Test
  void t14ALeafForAnotherServiceIsRefused() throws Exception {
    Map<String, MockResponse> answers = billing();
    answers.put("/v1/agent/connect/ca/leaf/web", Exchange.load("1.10.3", "ca-leaf").response());
    try (Agents agent = Agents.answering(holding(answers));
        ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "web")) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      assertThat(identity.awaitFailure())
          .isInstanceOf(ControlPlaneException.class)
          .hasMessageContaining("expected a certificate for the service web");
      assertThat(identity.values).isEmpty();
    }
  }

  @Test
  void t14ALeafWhoseServiceUriIsNotItsCertificatesIsRefused() throws Exception {
    String body = Exchange.load("1.10.3", "ca-leaf").body().utf8();
    for (String other : List.of("web", "BILLING", "billing/", "")) {
      String lied = body.replace("/svc/billing\"", "/svc/" + other + "\"");
      assertThat(lied).isNotEqualTo(body);
      assertThatThrownBy(() ->
              LeafQuery.decode("leaf", Exchange.answer(lied), "default", "default", "billing"))
          .isInstanceOf(ControlPlaneException.class)
          .hasMessageContaining("expected a certificate for its ServiceURI");
    }
    assertThatThrownBy(
            () -> LeafQuery.decode("leaf", Exchange.answer(body), "default", "team", "billing"))
        .hasMessageContaining("namespace team");
    assertThatThrownBy(
            () -> LeafQuery.decode("leaf", Exchange.answer(body), "part", "default", "billing"))
        .hasMessageContaining("partition part");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "{\"CertPEM\":7}",
        "{\"PrivateKeyPEM\":\"hunter2\",\"CertPEM\":\"x\",\"ServiceURI\":\"y\"}",
        "{\"PrivateKeyPEM\":\"hunter2\"",
        "{\"PrivateKeyPEM\":hunter2}",
        "{\"hunter2\":1,\"hunter2\":2,\"CertPEM\":\"a\",\"CertPEM\":\"b\"}",
      })
  void t51AnUnusableLeafIsRefusedWithoutShowingAnyOfIt(String body) {
    assertThatThrownBy(
            () -> LeafQuery.decode("leaf", Exchange.answer(body), "default", "default", "billing"))
        .isInstanceOf(ControlPlaneException.class)
        .satisfies(e -> {
          StringWriter text = new StringWriter();
          e.printStackTrace(new PrintWriter(text));
          assertThat(text.toString()).doesNotContain("hunter2");
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"TrustDomain\":\"a.consul\",\"Roots\":null}",
        "{\"TrustDomain\":\"a.consul\",\"Roots\":[]}",
        "{\"TrustDomain\":\"a.consul\",\"Roots\":[{}]}",
        "{\"TrustDomain\":\"a.consul\",\"Roots\":[{\"RootCert\":\"no pem\"}]}",
        "{\"TrustDomain\":\"a.consul\",\"Roots\":[{\"IntermediateCerts\":[\"x\"]}]}",
        "{\"TrustDomain\":\"\",\"Roots\":null}",
        "[]",
        "{\"Roots\":[",
      })
  void rootsThatAreNoneAreRefused(String body) {
    assertThatThrownBy(() -> RootsQuery.decode("roots", Exchange.answer(body)))
        .isInstanceOf(ControlPlaneException.class)
        .hasMessageContaining("expected");
  }

  @Test
  void rootsWithoutAGoodTrustDomainAreRefusedAndHugeSerialNumbersAreRead() throws Exception {
    String body = Exchange.load("1.10.3", "ca-roots").body().utf8();
    assertThatThrownBy(() ->
            RootsQuery.decode(
                "roots", Exchange.answer(body.replaceFirst("\"TrustDomain\"", "\"Other\""))))
        .hasMessageContaining("expected a TrustDomain");
    assertThatThrownBy(() ->
            RootsQuery.decode(
                "roots", Exchange.answer(body.replaceFirst("(\"TrustDomain\": ?\")", "$1UPPER"))))
        .hasMessageContaining("trust domain");
    String huge =
        body.replaceFirst("\"SerialNumber\": ?[0-9]+", "\"SerialNumber\":18446744073709551615");
    assertThat(huge).isNotEqualTo(body);
    assertThat(RootsQuery.decode("roots", Exchange.answer(huge)).bundles()).hasSize(1);
  }

  @Test
  void sixteenDestinationsBlockTheRestTakeTurnsAndAFreedSlotIsTaken() throws Exception {
    Map<String, MockResponse> answers = billing();
    answers.put("/v1/health/connect/", Agents.json("5", "[]"));
    try (Agents agent = Agents.answering(holding(answers));
        ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "billing")) {
      Endpoints source = (Endpoints) plane.endpoints();
      List<EndpointSource.Watch> watches = new ArrayList<>();
      List<Recorder<EndpointSet>> recorders = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        Recorder<EndpointSet> recorder = new Recorder<>();
        recorders.add(recorder);
        watches.add(source.watch(Destination.parse("db" + i), recorder));
      }
      recorders.forEach(Recorder::awaitValue);
      assertThat(source.load()).containsExactly(16, 4);
      List<String> cached =
          agent.targets().stream()
              .filter(t -> t.startsWith("/v1/health/") && t.contains("cached"))
              .toList();
      assertThat(cached)
          .isNotEmpty()
          .allMatch(t -> t.matches("/v1/health/connect/db1[6-9]\\?passing&cached"));

      watches.get(3).close();
      assertThat(source.load()).containsExactly(16, 3);
      watches.get(19).close();
      assertThat(source.load()).containsExactly(16, 2);
      await()
          .atMost(GENEROUS)
          .until(() ->
              agent.targets().stream()
                  .anyMatch(t -> t.startsWith("/v1/health/connect/db16?passing&index=")));
    }
    assertThat(threads("billing")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a/b", "..", "a b", "-", "a%2fb"})
  void aServiceNameThatWouldAskForSomethingElseIsRefused(String name) throws Exception {
    try (Agents agent = Agents.answering(request -> null)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ConsulControlPlane.open(agent.config(), name));
    }
  }

  @Test
  void aPlaneThatIsClosedUnstartedOrStartedAfterwardsDoesNothing() throws Exception {
    try (Agents agent = Agents.answering(request -> null)) {
      ConsulControlPlane plane = ConsulControlPlane.open(agent.config(), "late");
      plane.close();
      plane.identity().start(new Recorder<>());
      plane.intentions().start(new Recorder<>());
      plane.trust().start(new Recorder<>());
      assertThatCode(
              () -> plane.endpoints().watch(Destination.parse("db"), new Recorder<>()).close())
          .doesNotThrowAnyException();
      assertThat(threads("late")).isEmpty();
      assertThat(agent.requests).isEmpty();
    }
  }
}
