package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.consul.ConsulLogin;
import io.meshnative.intention.DefaultDecision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.HttpUrl;
import okio.ByteString;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every exchange that was captured from a real agent, served again: the client makes the call and
 * reads the answer, be it one that it would never ask for.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EveryExchangeTest {
  private final AtomicReference<Exchange> served = new AtomicReference<>();
  private Agents agent;
  private AgentClient client;

  @BeforeAll
  void start() throws IOException {
    agent = Agents.answering(request -> served.get().response());
    client = new AgentClient(agent.config());
  }

  @AfterAll
  void stop() {
    client.close();
    agent.close();
  }

  static List<Exchange> all() {
    return Exchange.all();
  }

  @Test
  void noExchangeIsForgotten() throws Exception {
    long files = 0;
    for (String version : List.of("1.8.7", "1.10.3")) {
      Path folder = Path.of(getClass().getResource("/io/meshnative/fixtures/" + version).toURI());
      try (var list = Files.list(folder)) {
        files += list.count();
      }
    }
    // Two files are tables.
    assertThat(all()).hasSize((int) files - 2).hasSizeGreaterThan(850);
  }

  @ParameterizedTest
  @MethodSource("all")
  void theClientReadsIt(Exchange exchange) throws Exception {
    served.set(exchange);

    if (exchange.status() == 200) {
      Answer answer = client.execute(call(exchange), new Calls());

      String index = exchange.headers().get("X-Consul-Index");
      assertThat(Long.toUnsignedString(answer.index())).isEqualTo(index == null ? "0" : index);
      assertThat(answer.knownLeader())
          .isEqualTo(!"false".equals(exchange.headers().get("X-Consul-Knownleader")));
      assertThat(answer.body().snapshot()).isEqualTo(exchange.body());
      return;
    }
    assertThatThrownBy(() -> client.execute(call(exchange), new Calls()))
        .asInstanceOf(type(ControlPlaneException.class))
        .satisfies(e -> {
          assertThat(e.status()).hasValue(exchange.status());
          assertThat(e).hasMessageContaining("found " + exchange.status());
          String line = exchange.body().utf8().lines().findFirst().orElse("").strip();
          if (exchange.headers().get("Content-Type") != null && line.length() < 150) {
            assertThat(e).hasMessageContaining(line);
          }
          hint(exchange, line).forEach(words -> assertThat(e).hasMessageContaining(words));
        });
  }

  /** What the message has to say besides, so that whoever reads it knows what to do. */
  private static List<String> hint(Exchange exchange, String line) {
    return switch (exchange.status()) {
      case 401 -> List.of("ACLs are off");
      case 403 ->
          line.contains("ACL not found")
              ? List.of("unknown, expired or revoked")
              : List.of("lacks");
      case 429 -> List.of("limits the rate", "tried again");
      case 500 ->
          line.equals("No cluster leader")
              ? List.of("no leader now", "last good state")
              : line.equals("No path to datacenter") ? List.of("check its name") : List.of();
      default -> List.of();
    };
  }

  private static AgentCall call(Exchange exchange) {
    HttpUrl url = HttpUrl.get("http://agent" + exchange.path());
    List<String> path = url.pathSegments().subList(1, url.pathSize());
    String[] segments = path.toArray(new String[0]);
    AgentCall call =
        switch (exchange.method()) {
          case "GET" -> AgentCall.get(segments);
          case "POST" -> AgentCall.post(ByteString.encodeUtf8("{}"), segments);
          default -> AgentCall.put(ByteString.encodeUtf8("{}"), segments);
        };
    for (int i = 0; i < url.querySize(); i++) {
      // A call that waits would be made anew where the connection breaks; nothing waits here.
      if (!Set.of("index", "wait").contains(url.queryParameterName(i))) {
        call = call.with(url.queryParameterName(i), url.queryParameterValue(i));
      }
    }
    return call;
  }

  static List<Exchange> matchesOfTwoNames() {
    return Exchange.all("/v1/connect/intentions/match", 200).stream()
        .filter(exchange -> exchange.object().size() == 2)
        .toList();
  }

  /** The client asks for one name. {@link CapturedAnswersTest} has the answers to that. */
  @ParameterizedTest
  @MethodSource("matchesOfTwoNames")
  void intentionsOfANameThatWasNotAskedForAreRefused(Exchange exchange) {
    for (String name : exchange.object().keySet()) {
      assertThatThrownBy(
              () -> new IntentionDecoder(Set.of()).decode("match", exchange.answer().body(), name))
          .isInstanceOf(ControlPlaneException.class)
          .hasMessageContaining("found those of another");
    }
  }

  static List<Exchange> serverRoots() {
    return Exchange.all("/v1/connect/ca/roots", 200).stream()
        .filter(exchange -> !exchange.path().contains("pem"))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("serverRoots")
  void rootsReadAlikeFromTheServers(Exchange exchange) throws Exception {
    assertThat(RootsQuery.decode("roots", exchange.answer()).local().name())
        .isEqualTo(exchange.object().get("TrustDomain"));
  }

  static List<Exchange> authorizations() {
    return Exchange.all("/v1/agent/connect/authorize", 200);
  }

  /**
   * The probe asks for a source that nobody has; the answer may be any that authorize gives. Where
   * an intention decided, it is asked in another way, which here says the opposite.
   */
  @ParameterizedTest
  @MethodSource("authorizations")
  void onlyADefaultReasonSaysWhatTheDefaultIs(Exchange exchange) throws Exception {
    String reason = (String) exchange.object().get("Reason");
    boolean allowed = (boolean) exchange.object().get("Authorized");
    try (Agents one =
        Agents.answering(request ->
            request.getTarget().contains("authorize")
                ? exchange.response()
                : Agents.json("1", "{\"Allowed\":" + !allowed + "}"))) {
      DefaultDecision read = new DefaultProbe(one.wiring("billing"), new Calls()).ask(List.of());

      boolean isDefault = reason.startsWith("Default behavior") || reason.startsWith("ACLs dis");
      assertThat(read)
          .isEqualTo(allowed == isDefault ? DefaultDecision.ALLOW : DefaultDecision.DENY);
      assertThat(new DefaultProbe(one.wiring("billing"), new Calls()).aclsOff())
          .isEqualTo(reason.toLowerCase(Locale.ROOT).startsWith("acls disabled"));
    }
  }

  static List<Exchange> logins() {
    return Exchange.all("/v1/acl/login", 200);
  }

  @ParameterizedTest
  @MethodSource("logins")
  void aLoginGivesTheTokenThatCallsCarry(Exchange exchange, @TempDir Path directory)
      throws Exception {
    Path bearer = Files.writeString(directory.resolve("bearer"), "a.b.c");
    try (Agents one =
        Agents.answering(request ->
            request.getTarget().equals("/v1/acl/login")
                ? exchange.response()
                : Agents.json("1", "true"))) {
      ConsulConfig config = one.config();
      LoginTokens[] tokens = new LoginTokens[1];
      AgentClient with =
          new AgentClient(
              config,
              made ->
                  tokens[0] =
                      new LoginTokens(
                          made,
                          ConsulLogin.of("jwt-test", bearer),
                          "billing",
                          new FakeClock(),
                          new SplittableRandom(1)));
      try (with) {
        assertThat(with.token()).isEqualTo(exchange.object().get("SecretID"));
      }
    }
  }
}
