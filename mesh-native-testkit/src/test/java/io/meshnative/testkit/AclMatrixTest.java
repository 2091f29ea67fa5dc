package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** What 17 tokens of a real agent with default deny got for 52 calls, they get here. */
class AclMatrixTest {
  private static final EmbeddedControlPlane PLANE =
      EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start();

  /** Their content is of the agent that was asked. */
  private static final Set<String> OWN_CONTENT = Set.of("status-leader");

  private static final Map<String, String> BODIES = bodies();

  private static Map<String, String> bodies() {
    return Map.ofEntries(
        Map.entry("authorize-allow", authorize("billing", "web")),
        Map.entry("authorize-l7", authorize("billing", "mobile")),
        Map.entry("authorize-wildcard-deny", authorize("billing", "stranger")),
        Map.entry("authorize-other", authorize("other", "web")),
        Map.entry("intentions-exact-put", "{\"Action\":\"allow\"}"),
        Map.entry("discovery-chain-post", "{}"),
        Map.entry("config-put-service-intentions", INTENTIONS_OF_BILLING),
        Map.entry("register", registration("billing")),
        Map.entry("register-other", registration("other")),
        Map.entry("check-update", "{\"Status\":\"passing\",\"Output\":\"ok\"}"),
        Map.entry("check-update-other", "{\"Status\":\"passing\",\"Output\":\"ok\"}"));
  }

  private static final String INTENTIONS_OF_BILLING =
      """
      {"Kind":"service-intentions","Name":"billing","Sources":[{"Name":"web","Action":"allow"},
       {"Name":"mobile","Permissions":[{"Action":"allow","HTTP":{"PathPrefix":"/"}}]}]}
      """;

  private static String authorize(String target, String source) {
    return """
    {"Target":"%s","ClientCertURI":"spiffe://x.consul/ns/default/dc/dc1/svc/%s",
     "ClientCertSerial":"01"}
    """
        .formatted(target, source);
  }

  private static String registration(String name) {
    return """
    {"Name":"%1$s","ID":"%1$s-1","Port":1,"Connect":{"Native":true},
     "Check":{"CheckID":"%1$s-1-ttl","TTL":"900s","Status":"passing"}}
    """
        .formatted(name);
  }

  @AfterAll
  static void close() {
    PLANE.close();
  }

  @BeforeEach
  void writeWhatTheAgentHad() {
    Agent master = new Agent(PLANE).withToken(PLANE.token());
    PLANE.removeIntentions();
    for (String service : List.of("billing", "other")) {
      assertThat(master.put("/v1/agent/service/register", registration(service)).status())
          .isEqualTo(200);
      PLANE.configEntry(
          "{\"Kind\":\"service-defaults\",\"Name\":\"%s\",\"Protocol\":\"http\"}"
              .formatted(service));
      PLANE.allow("web", service);
      PLANE.intention(
          "mobile", service, "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]");
    }
    PLANE.deny("*", "*");
    PLANE.configEntry(
        "{\"Kind\":\"service-resolver\",\"Name\":\"billing\",\"ConnectTimeout\":\"5s\"}");
    PLANE.configEntry("{\"Kind\":\"proxy-defaults\",\"Name\":\"global\",\"Config\":{\"a\":1}}");
    PLANE.configEntry("{\"Kind\":\"mesh\"}");
    master.call(
        "POST", "/v1/query", "{\"Name\":\"billing-q\",\"Service\":{\"Service\":\"billing\"}}");
  }

  private static String secret(String token, String rules) {
    return switch (token) {
      case "anonymous" -> "";
      case "unknown-token" -> "99999999-8888-7777-6666-555555555555";
      case "management" -> PLANE.token();
      case "service-identity" -> PLANE.serviceToken("billing");
      case "service-and-node-identity" ->
          new Agent(PLANE)
              .withToken(PLANE.token())
              .put(
                  "/v1/acl/token",
                  "{\"ServiceIdentities\":[{\"ServiceName\":\"billing\"}],"
                      + "\"NodeIdentities\":[{\"NodeName\":\"node-1\",\"Datacenter\":\"dc1\"}]}")
              .text("SecretID");
      default -> PLANE.tokenWithRules(rules);
    };
  }

  @TestFactory
  Stream<DynamicContainer> everyTokenGetsWhatItGotFromARealAgent() {
    Map<?, ?> matrix = (Map<?, ?>) Captured.table("acl-matrix");
    List<?> rows = (List<?>) matrix.get("rows");
    return ((Map<?, ?>) matrix.get("tokens"))
        .entrySet().stream()
            .map(entry -> {
              String token = (String) entry.getKey();
              Agent agent = new Agent(PLANE).withToken(secret(token, (String) entry.getValue()));
              return DynamicContainer.dynamicContainer(
                  token,
                  rows.stream()
                      .map(row -> (Map<?, ?>) row)
                      .filter(row -> row.get("token").equals(token))
                      .map(row ->
                          DynamicTest.dynamicTest(
                              (String) row.get("call"), () -> compare(agent, row))));
            });
  }

  private static void compare(Agent agent, Map<?, ?> row) {
    String call = (String) row.get("call");
    Agent.Answer answer =
        agent.call((String) row.get("method"), (String) row.get("path"), BODIES.get(call));

    assertThat((long) answer.status()).as(answer.body()).isEqualTo(row.get("status"));
    assertThat(answer.headers().containsKey("x-consul-index"))
        .isEqualTo(Boolean.TRUE.equals(row.get("index")));
    if (OWN_CONTENT.contains(call)) {
      return;
    }
    switch ((String) row.get("kind")) {
      case "text" -> assertThat(answer.body()).isEqualTo(row.get("body"));
      case "array" -> assertThat((long) answer.list().size()).isEqualTo(row.get("size"));
      case "object" -> {
        assertThat((long) ((Map<?, ?>) answer.tree()).size()).isEqualTo(row.get("size"));
        if (row.get("body") != null) {
          assertThat(answer.tree()).isEqualTo(row.get("body"));
        }
      }
      default -> assertThat(answer.body()).isEqualTo("true");
    }
  }
}
