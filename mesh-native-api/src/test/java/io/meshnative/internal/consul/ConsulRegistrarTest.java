package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import mockwebserver3.MockResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConsulRegistrarTest {
  private static final String REGISTER = "/v1/agent/service/register?replace-existing-checks=true";
  private static final String UPDATE = "/v1/agent/check/update/billing-9443-check-1";

  private final Map<String, MockResponse> answers = new ConcurrentHashMap<>();
  private final FakeClock clock = new FakeClock();

  private Agents agent() throws java.io.IOException {
    return Agents.answering(request ->
        answers.entrySet().stream()
            .filter(entry -> request.getTarget().startsWith(entry.getKey()))
            .map(Map.Entry::getValue)
            .findFirst()
            .orElse(new MockResponse.Builder().code(200).build()));
  }

  private ConsulRegistrar registrar(ConsulConfig config) throws ControlPlaneException {
    return new ConsulRegistrar(
        new Wiring(config, new AgentClient(config), "billing", clock, new SplittableRandom(1)));
  }

  private static MockResponse text(int status, String body) {
    return new MockResponse.Builder().code(status).body(body).build();
  }

  @Test
  void registeringEntersANativeServiceWithItsChecksAndDeregisteringTakesItOut() throws Exception {
    answers.put("/v1/agent/service/deregister/", text(404, "Unknown service ID \"b\""));
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.deregister();
      assertThat(agent.requests).isEmpty();

      registrar.register(
          Registration.of(9443)
              .withAddress("10.0.0.5")
              .withTags("v1")
              .withMeta(Map.of("a", "b\""))
              .withWeight(7)
              .withChecks(
                  Check.ttl(Duration.ofSeconds(15)),
                  Check.tcp("10.0.0.5:9443", Duration.ofSeconds(10))
                      .withTimeout(Duration.ofSeconds(2)),
                  Check.http(URI.create("http://127.0.0.1:8080/health"), Duration.ofSeconds(5))
                      .deregisteringAfter(Duration.ofMinutes(10))
                      .startingAs(Check.Status.WARNING),
                  Check.grpc("127.0.0.1:9090/orders", Duration.ofSeconds(1)).withTls(true)));
      assertThat(agent.requests.get(0).getMethod()).isEqualTo("PUT");
      assertThat(agent.requests.get(0).getBody().utf8())
          .isEqualTo(
              "{\"Name\":\"billing\",\"ID\":\"billing-9443\",\"Port\":9443,\"Address\":\"10.0.0.5\",\"Tags\":[\"v1\"],"
                  + "\"Meta\":{\"a\":\"b\\\"\"},\"Weights\":{\"Passing\":7,\"Warning\":1},\"Connect\":{\"Native\":true},"
                  + "\"Checks\":["
                  + "{\"CheckID\":\"billing-9443-check-1\",\"Name\":\"billing TTL\",\"Status\":\"passing\",\"TTL\":\"15000ms\"},"
                  + "{\"CheckID\":\"billing-9443-check-2\",\"Name\":\"billing TCP\",\"Status\":\"critical\",\"TCP\":\"10.0.0.5:9443\","
                  + "\"Interval\":\"10000ms\",\"Timeout\":\"2000ms\"},"
                  + "{\"CheckID\":\"billing-9443-check-3\",\"Name\":\"billing HTTP\",\"Status\":\"warning\","
                  + "\"HTTP\":\"http://127.0.0.1:8080/health\",\"Interval\":\"5000ms\",\"DeregisterCriticalServiceAfter\":\"600000ms\"},"
                  + "{\"CheckID\":\"billing-9443-check-4\",\"Name\":\"billing GRPC\",\"Status\":\"critical\","
                  + "\"GRPC\":\"127.0.0.1:9090/orders\",\"Interval\":\"1000ms\",\"GRPCUseTLS\":true}]}");
      registrar.deregister(); // gone already: that is what was wanted
      registrar.deregister();
      assertThat(agent.targets())
          .containsExactly(REGISTER, "/v1/agent/service/deregister/billing-9443");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> registrar.register(Registration.ofListener()));
    }
  }

  @Test
  void theDefaultCheckIsReportedAtAThirdOfItsTimeAndTheServiceVerifiedEveryHalfMinute()
      throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.register(Registration.of(9443));
      for (int i = 0; i < 4; i++) {
        Duration next = registrar.keepAlive(Check.Status.PASSING, "well");
        assertThat(next).isEqualTo(Duration.ofSeconds(10));
        clock.advance(next);
      }
      assertThat(agent.requests.get(1).getBody().utf8())
          .isEqualTo("{\"Status\":\"passing\",\"Output\":\"well\"}");
      assertThat(agent.targets())
          .containsExactly(
              REGISTER, UPDATE, UPDATE, UPDATE, UPDATE, "/v1/agent/service/billing-9443");
    }
  }

  @Test
  void withoutChecksNothingIsReportedAndTheServiceIsVerifiedAllTheSame() throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.register(Registration.of(9443).withoutChecks());
      assertThat(agent.requests.get(0).getBody().utf8()).doesNotContain("Checks");
      clock.advance(registrar.keepAlive(Check.Status.PASSING, "well"));
      registrar.keepAlive(Check.Status.PASSING, "well");
      assertThat(agent.targets()).containsExactly(REGISTER, "/v1/agent/service/billing-9443");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "500, CheckID \"billing-9443-check-1\" does not have associated TTL",
    "500, Unknown check \"billing-9443-check-1\"",
    "404, Unknown check ID \"billing-9443-check-1\". Ensure that the check ID is passed"
  })
  void anAgentThatForgotTheCheckGetsTheServiceAgainInItsPresentStatus(int status, String body)
      throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.register(Registration.of(9443));
      answers.put("/v1/agent/check/update/", text(status, body));
      registrar.keepAlive(Check.Status.CRITICAL, "ended");
      assertThat(agent.targets()).containsExactly(REGISTER, UPDATE, REGISTER);
      assertThat(agent.requests.get(2).getBody().utf8()).contains("\"Status\":\"critical\"");
    }
  }

  @Test
  void anAgentThatForgotTheServiceGetsItAgain() throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.register(Registration.of(9443).withoutChecks());
      answers.put("/v1/agent/service/billing-9443", text(404, "unknown service ID: billing-9443"));
      clock.advance(ConsulRegistrar.VERIFY_EVERY);
      registrar.keepAlive(Check.Status.PASSING, "well");
      assertThat(agent.targets())
          .containsExactly(REGISTER, "/v1/agent/service/billing-9443", REGISTER);
    }
  }

  @Test
  void aReportThatIsForbiddenIsAFailureThatNamesTheRight() throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      registrar.register(Registration.of(9443));
      answers.put("/v1/agent/check/update/", text(403, "Permission denied"));
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> registrar.keepAlive(Check.Status.PASSING, "well"))
          .satisfies(e -> assertThat(e.missingAcl()).contains("service:write on \"billing\""));
    }
  }

  @Test
  void maintenanceOutlivesAReRegistration() throws Exception {
    try (Agents agent = agent()) {
      ConsulRegistrar registrar = registrar(agent.config());
      assertThat(registrar.maintenance(true, "early")).isFalse();
      registrar.register(Registration.of(9443));
      assertThat(registrar.maintenance(true, "shutting down")).isTrue();
      answers.put("/v1/agent/check/update/", text(404, "Unknown check"));
      registrar.keepAlive(Check.Status.PASSING, "well");
      assertThat(registrar.maintenance(false, "")).isTrue();
      String on = "/v1/agent/service/maintenance/billing-9443?enable=true&reason=shutting%20down";
      assertThat(agent.targets())
          .containsExactly(
              REGISTER,
              on,
              UPDATE,
              REGISTER,
              on,
              "/v1/agent/service/maintenance/billing-9443?enable=false");
    }
  }

  @Test
  void anotherTokenRegistersAgainBecauseTheAgentWritesTheCatalogWithIt(@TempDir Path folder)
      throws Exception {
    Path file = Files.writeString(folder.resolve("token"), "first");
    try (Agents agent = agent()) {
      ConsulRegistrar registrar =
          registrar(ConsulConfig.builder().address(agent.address()).tokenFile(file).build());
      registrar.register(Registration.of(9443));
      registrar.keepAlive(Check.Status.PASSING, "well");
      Files.writeString(file, "second");
      registrar.keepAlive(Check.Status.PASSING, "well");
      assertThat(agent.requests)
          .extracting(
              request -> request.getTarget().contains("register"),
              request -> request.getHeaders().get("X-Consul-Token"))
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple(true, "first"),
              org.assertj.core.groups.Tuple.tuple(false, "first"),
              org.assertj.core.groups.Tuple.tuple(true, "second"),
              org.assertj.core.groups.Tuple.tuple(false, "second"));
    }
  }

  @Test
  void theNextAgentGetsTheServiceWhenTheFirstIsGone() throws Exception {
    try (Agents second = agent()) {
      Agents first = Agents.answering(request -> new MockResponse.Builder().code(200).build());
      ConsulRegistrar registrar =
          registrar(ConsulConfig.builder().addresses(first.address(), second.address()).build());
      registrar.register(Registration.of(9443));
      first.close();
      answers.put("/v1/agent/check/update/", text(500, "Unknown check"));
      registrar.keepAlive(Check.Status.PASSING, "well");
      assertThat(second.targets()).isEqualTo(List.of(UPDATE, REGISTER));
    }
  }
}
