package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class AgentClientTest {
  private static final String SECRET = "0f0f0f0f-1111-2222-3333-444444444444";
  private static final AgentCall CALL =
      AgentCall.get("agent", "connect", "ca", "leaf", "web").needing("service:write on \"web\"");

  private static ControlPlaneException failure(MockResponse response, String token)
      throws IOException {
    try (Agents agent = Agents.answering(request -> response)) {
      ConsulConfig config = ConsulConfig.builder().address(agent.address()).token(token).build();
      try (AgentClient client = new AgentClient(config)) {
        return catchThrowableOfType(
            ControlPlaneException.class, () -> client.execute(CALL, new Calls()));
      }
    }
  }

  private static MockResponse text(int status, String body) {
    return new MockResponse.Builder().code(status).body(body).build();
  }

  static List<Exchange> refusals() {
    return Stream.of(400, 403, 429, 500)
        .flatMap(status ->
            Stream.of(
                    "/v1/agent/connect/ca/", "/v1/connect/intentions/match", "/v1/health/connect/")
                .flatMap(path -> Exchange.all(path, status).stream()))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void eachCapturedRefusalBecomesAnErrorWithCallStatusAndText(Exchange exchange)
      throws IOException {
    ControlPlaneException e = failure(exchange.response(), SECRET);

    assertThat(e.status()).hasValue(exchange.status());
    assertThat(e)
        .hasMessageContaining("GET /v1/agent/connect/ca/leaf/web")
        .hasMessageContaining("; ");
    String line = exchange.body().utf8().lines().findFirst().orElse("");
    assertThat(e.getMessage().replace("\\u0022", "\""))
        .contains(line.substring(0, Math.min(60, line.length())).strip());
    if (line.equals("Permission denied")) {
      assertThat(e.missingAcl()).contains("service:write on \"web\"");
      assertThat(e).hasMessageContaining("the token lacks service:write");
    }
    if (line.contains("ACL not found")) {
      assertThat(e.missingAcl()).isEmpty();
      assertThat(e).hasMessageContaining("unknown, expired or revoked");
    }
  }

  @ParameterizedTest
  @CsvSource({"301", "302", "307", "308"})
  void redirectsAreNotFollowed(int status) throws IOException {
    try (Agents other = Agents.answering(request -> Agents.json("1", "{}"))) {
      MockResponse redirect =
          new MockResponse.Builder()
              .code(status)
              .addHeader("Location", "http://" + other.address() + "/")
              .build();
      assertThat(failure(redirect, SECRET)).hasMessageContaining("redirects are not followed");
      assertThat(other.requests).isEmpty();
    }
  }

  @Test
  void t51TheTokenTravelsInItsHeaderAndShowsNowhere() throws IOException {
    try (Agents agent =
        Agents.answering(request -> text(403, "token " + SECRET + " of " + request.getTarget()))) {
      ConsulConfig config = ConsulConfig.builder().address(agent.address()).token(SECRET).build();
      try (AgentClient client = new AgentClient(config)) {
        ControlPlaneException e =
            catchThrowableOfType(
                ControlPlaneException.class, () -> client.execute(CALL, new Calls()));

        RecordedRequest request = agent.requests.get(0);
        assertThat(request.getHeaders().get("X-Consul-Token")).isEqualTo(SECRET);
        assertThat(request.getTarget()).isEqualTo("/v1/agent/connect/ca/leaf/web");
        assertThat(stackTrace(e)).doesNotContain(SECRET).contains("(the token)");
      }
    }
  }

  private static String stackTrace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }

  @Test
  void t51NeitherTokenNorKeyShowsWhereTheAgentIsGoneOrTalksNonsense() throws IOException {
    int port;
    try (Agents agent = Agents.answering(request -> null)) {
      port = agent.server.getPort();
    }
    ConsulConfig config = ConsulConfig.builder().address("127.0.0.1:" + port).token(SECRET).build();
    try (AgentClient client = new AgentClient(config)) {
      ControlPlaneException e =
          catchThrowableOfType(
              ControlPlaneException.class, () -> client.execute(CALL, new Calls()));
      assertThat(e.status()).isEmpty();
      assertThat(stackTrace(e)).doesNotContain(SECRET).contains("is the agent running");
    }
  }

  @Test
  void theFirstLineOfABodyIsBoundedAndPrintable() throws IOException {
    ControlPlaneException e =
        failure(text(500, "a\u001b[31m\u0000" + "x".repeat(100_000) + "\nsecond line"), SECRET);
    assertThat(e.getMessage())
        .hasSizeLessThan(1000)
        .contains("\\u001b")
        .doesNotContain("second line");
    assertThat(e.getMessage().chars()).noneMatch(Character::isISOControl);
  }

  @Test
  void namespaceAndPartitionAreSentOnlyWhereSet() throws IOException {
    try (Agents agent = Agents.answering(request -> Agents.json("1", "{}"))) {
      try (AgentClient plain = new AgentClient(agent.config())) {
        plain.execute(CALL, new Calls());
      }
      ConsulConfig enterprise =
          ConsulConfig.builder()
              .address(agent.address())
              .namespace("team a")
              .partition("p&q")
              .build();
      try (AgentClient client = new AgentClient(enterprise)) {
        client.execute(CALL, new Calls());
        client.execute(CALL.with("ns", "other"), new Calls());
      }
      assertThat(agent.targets())
          .containsExactly(
              "/v1/agent/connect/ca/leaf/web",
              "/v1/agent/connect/ca/leaf/web?ns=team%20a&partition=p%26q",
              "/v1/agent/connect/ca/leaf/web?ns=other&partition=p%26q");
    }
  }

  @Test
  void aBlockingCallNamesIndexAndWait() throws IOException {
    try (Agents agent = Agents.answering(request -> Agents.json("1", "{}"));
        AgentClient client = new AgentClient(agent.config())) {
      client.execute(CALL.blocking(-1, Duration.ofMinutes(5)), new Calls());
      client.execute(CALL.blocking(0, Duration.ofMinutes(5)), new Calls());
      assertThat(agent.targets())
          .containsExactly(
              "/v1/agent/connect/ca/leaf/web?index=18446744073709551615&wait=300000ms",
              "/v1/agent/connect/ca/leaf/web");
    }
  }

  @Test
  void prefixAndBasicAuthAreHonoured() throws IOException {
    try (Agents agent = Agents.answering(request -> Agents.json("1", "{}"))) {
      ConsulConfig config =
          ConsulConfig.builder()
              .address("http://" + agent.address() + "/behind/proxy")
              .basicAuth("anna", "p:w")
              .build();
      try (AgentClient client = new AgentClient(config)) {
        client.execute(CALL, new Calls());
      }
      assertThat(agent.targets()).containsExactly("/behind/proxy/v1/agent/connect/ca/leaf/web");
      assertThat(agent.requests.get(0).getHeaders().get("Authorization"))
          .isEqualTo("Basic YW5uYTpwOnc=");
    }
  }

  @Test
  void aChangedTokenFileIsUsedAndAVanishedOneLeavesTheLastToken(@TempDir Path folder)
      throws IOException {
    Path file = Files.writeString(folder.resolve("token"), "first");
    try (Agents agent = Agents.answering(request -> Agents.json("1", "{}"));
        AgentClient client =
            new AgentClient(
                ConsulConfig.builder().address(agent.address()).tokenFile(file).build())) {
      client.execute(CALL, new Calls());
      Files.writeString(file, "second\n");
      client.execute(CALL, new Calls());
      Files.delete(file);
      client.execute(CALL, new Calls());
      assertThat(agent.requests)
          .extracting(request -> request.getHeaders().get("X-Consul-Token"))
          .containsExactly("first", "second", "second");
    }
  }

  @Test
  void aCancelledWatchMakesNoMoreCalls() throws IOException {
    try (Agents agent = Agents.answering(request -> Agents.json("1", "{}"));
        AgentClient client = new AgentClient(agent.config())) {
      Calls calls = new Calls();
      calls.cancel();
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> client.execute(CALL, calls));
      assertThat(agent.requests).isEmpty();
    }
  }

  @Test
  void unreadableAuthoritiesAreRefusedAtOnce(@TempDir Path folder) throws IOException {
    Path nonsense = Files.writeString(folder.resolve("ca.pem"), "no certificate");
    for (Path file : List.of(nonsense, folder.resolve("missing.pem"))) {
      ConsulConfig config =
          ConsulConfig.builder().address("https://127.0.0.1:1").caFile(file).build();
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> new AgentClient(config))
          .withMessageContaining(file.getFileName().toString());
    }
  }
}
