package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.testkit.internal.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DecisionTest {
  private final EmbeddedControlPlane plane = EmbeddedControlPlane.start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  private static Map<?, ?> map(Object tree) {
    return (Map<?, ?>) tree;
  }

  private static List<?> list(Object tree) {
    return (List<?>) tree;
  }

  /** 74 random sets of intentions, asked of live agents under both defaults. */
  @Test
  void everyRecordedDecisionOfRealAgentsIsReproduced() {
    int asked = 0;
    for (Object tree : list(map(Captured.table("precedence-cases")).get("cases"))) {
      Map<?, ?> one = map(tree);
      plane.removeIntentions();
      for (Object rule : list(one.get("intentions"))) {
        write(map(rule));
      }
      map(one.get("match")).forEach((name, rules) -> assertMatch(one, (String) name, list(rules)));
      for (Object decision : list(one.get("decisions"))) {
        for (boolean allow : new boolean[] {true, false}) {
          plane.defaultAllow(allow);
          Map<?, ?> wanted = map(map(decision).get(allow ? "default_allow" : "default_deny"));
          String source = (String) map(decision).get("source");
          String destination = (String) map(decision).get("destination");
          Agent.Answer answer = agent.authorize(source, destination);
          assertThat(answer.at("Authorized"))
              .as("case %s: %s to %s", one.get("id"), source, destination)
              .isEqualTo(wanted.get("authorized"));
          assertThat(answer.at("Reason")).isEqualTo(wanted.get("reason"));
          assertThat(
                  agent
                      .get(
                          "/v1/connect/intentions/check?source="
                              + source
                              + "&destination="
                              + destination)
                      .at("Allowed"))
              .isEqualTo(wanted.get("check"));
          asked++;
        }
      }
    }
    assertThat(asked).isGreaterThan(1000);
  }

  private void write(Map<?, ?> rule) {
    String source = (String) rule.get("Source");
    String destination = (String) rule.get("Destination");
    if (rule.containsKey("Permissions")) {
      plane.intention(source, destination, Json.write(rule.get("Permissions")));
    } else if (rule.get("Action").equals("allow")) {
      plane.allow(source, destination);
    } else {
      plane.deny(source, destination);
    }
  }

  private void assertMatch(Map<?, ?> one, String name, List<?> expected) {
    List<String> actual = new ArrayList<>();
    Agent.Answer answer = agent.get("/v1/connect/intentions/match?by=destination&name=" + name);
    for (Object tree : answer.list(name)) {
      Map<?, ?> rule = map(tree);
      Object action = rule.containsKey("Action") ? rule.get("Action") : "permissions";
      actual.add(
          rule.get("SourceName")
              + "->"
              + rule.get("DestinationName")
              + " "
              + action
              + " "
              + rule.get("Precedence"));
    }
    assertThat(actual).as("case %s, match of %s", one.get("id"), name).isEqualTo(expected);
  }

  @Test
  void destinationsCompareWithoutCaseAndSourcesWithIt() {
    plane.allow("CamelSrc", "CamelDest").deny("*", "*");

    assertThat(agent.authorize("CamelSrc", "cameldest").text("Reason"))
        .isEqualTo(
            "Matched L4 intention: default/CamelSrc => default/CamelDest (Precedence: 9, Action:"
                + " ALLOW)");
    assertThat(agent.authorize("camelsrc", "CamelDest").at("Authorized")).isEqualTo(false);
    assertThat(agent.get("/v1/connect/intentions/match?by=destination&name=CAMELDEST").at())
        .asString()
        .contains("CAMELDEST=", "DestinationName=CamelDest");
  }

  @Test
  void theClientsTrustDomainAndDatacenterAreIgnoredAsInConsul() {
    plane.allow("web", "billing").defaultAllow(false);

    for (String uri :
        List.of(
            "spiffe://11111111-2222-3333-4444-555555555555.consul/ns/default/dc/dc1/svc/web",
            "spiffe://x.consul/ns/default/dc/dc9/svc/web",
            "spiffe://x.consul/ns/default/dc/dc1/svc/%77eb",
            "spiffe://x.consul/ns/default/dc/dc1/svc/web?a=b")) {
      assertThat(agent.authorizeUri(uri, "billing").at("Authorized")).as(uri).isEqualTo(true);
    }
    assertThat(
            agent
                .authorizeUri("spiffe://x.consul/ns/team-a/dc/dc1/svc/web", "billing")
                .text("Reason"))
        .isEqualTo("Default behavior configured by ACLs");
  }

  @Test
  void wrongIdentifiersAreRefusedInConsulsWords() {
    String connect = "Bad request: ClientCertURI not a valid Connect identifier";
    String service = "Bad request: ClientCertURI not a valid Service identifier";
    Map<String, String> texts =
        Map.of(
            "", connect,
            "not a uri", connect,
            "https://example.com/ns/default/dc/dc1/svc/web", connect,
            "spiffe://x.consul/svc/web", connect,
            "spiffe://x.consul/gateway/mesh/dc/dc1", connect,
            "spiffe://x.consul/ap/p1/ns/default/dc/dc1/svc/web", connect,
            "spiffe://x.consul", service,
            "spiffe://x.consul/agent/client/dc/dc1/id/node-1", service);
    texts.forEach((uri, text) -> {
      Agent.Answer answer = agent.authorizeUri(uri, "billing");
      assertThat(answer.status()).as(uri).isEqualTo(400);
      assertThat(answer.body()).as(uri).isEqualTo(text);
    });
    assertThat(agent.authorize("web", "").body())
        .isEqualTo("Bad request: Target service must be specified");
    String path = "/v1/agent/connect/authorize";
    assertThat(agent.call("POST", path, "{\"Nope\":1}").body())
        .isEqualTo("Bad request: Request decode failed: json: unknown field \"Nope\"");
    assertThat(agent.call("POST", path, "{\"Target\":").body())
        .isEqualTo("Bad request: Request decode failed: unexpected EOF");
    Agent.Answer get = agent.get(path);
    assertThat(get.status()).isEqualTo(405);
    assertThat(get.body()).isEqualTo("method GET not allowed");
    assertThat(get.header("Allow")).isEqualTo("OPTIONS,POST");
  }

  @Test
  void wrongMatchQueriesAreRefusedInConsulsWords() {
    String match = "/v1/connect/intentions/match?";
    assertThat(agent.get(match + "name=web").body())
        .isEqualTo("required query parameter 'by' not set");
    assertThat(agent.get(match + "by=dest&name=web").body())
        .isEqualTo("'by' parameter must be one of 'source' or 'destination'");
    assertThat(agent.get(match + "by=destination").body())
        .isEqualTo("required query parameter 'name' not set");
    assertThat(agent.get(match + "by=destination&name=a/b/c").body())
        .isEqualTo("name \"a/b/c\" is invalid: input can contain at most one '/'");
    assertThat(agent.get(match + "by=destination&name=team-a/billing").status()).isEqualTo(500);
    assertThat(agent.get(match + "by=destination&name=x&ns=default").status()).isEqualTo(400);
  }

  @Test
  void severalNamesAreMatchedAtOnceUnderTheNamesGiven() {
    plane.allow("web", "billing").deny("*", "*");

    Agent.Answer answer =
        agent.get("/v1/connect/intentions/match?by=destination&name=default/billing&name=ledger");

    assertThat(answer.list("default/billing")).hasSize(2);
    assertThat(answer.list("ledger")).hasSize(1);
  }

  @Test
  void matchBySourceGivesWhatASourceMayReach() {
    plane.allow("web", "billing").deny("*", "ledger").allow("batch", "billing");

    Agent.Answer answer = agent.get("/v1/connect/intentions/match?by=source&name=web");

    assertThat(answer.list("web")).hasSize(2);
    assertThat(answer.text("web", 0, "DestinationName")).isEqualTo("billing");
  }

  @Test
  void writesOverHttpAreSeenAndWrongOnesRefusedInConsulsWords() {
    String exact = "/v1/connect/intentions/exact?source=web&destination=orders";
    assertThat(agent.get(exact).body()).isEqualTo("Intention not found");
    assertThat(agent.put(exact, "{\"Action\":\"deny\"}").body()).isEqualTo("true");
    assertThat(agent.get(exact).text("Action")).isEqualTo("deny");
    assertThat(agent.call("DELETE", exact, null).body()).isEqualTo("true");
    assertThat(agent.get(exact).status()).isEqualTo(404);
    assertThat(agent.put(exact, "{\"Action\":\"allow\",\"Meta\":{\"a\":\"b\"}}").body())
        .isEqualTo("Meta must not be specified");
    assertThat(agent.put(exact, "{\"Action\":\"maybe\"}").body())
        .isEqualTo("Sources[0].Action must be set to 'allow' or 'deny'");
    assertThat(agent.put("/v1/config", "{\"Kind\":\"service-intentions\",\"Name\":\"api\"}").body())
        .isEqualTo("At least one source is required");
    assertThat(agent.get("/v1/config/service-intentions/none").body())
        .isEqualTo("Config entry not found for \"service-intentions\" / \"none\"");
  }

  @Test
  void anythingMayBeServedAsAnIntention() {
    plane.rawIntention("billing", "{\"SourceName\":\"web\",\"Action\":\"allow\",\"Zap\":[1]}");

    Agent.Answer answer = agent.get("/v1/connect/intentions/match?by=destination&name=billing");

    assertThat(answer.body())
        .isEqualTo("{\"billing\":[{\"SourceName\":\"web\",\"Action\":\"allow\",\"Zap\":[1]}]}");
  }

  @Test
  void wrongNamesAreRefusedWithWords() {
    assertThatThrownBy(() -> plane.allow("", "x")).hasMessageContaining("needs a name");
    assertThatThrownBy(() -> plane.allow("we*", "x")).hasMessageContaining("'we*'");
    assertThatThrownBy(() -> plane.deny("a/b", "x")).hasMessageContaining("no service name");
    assertThatThrownBy(() -> plane.intention("web", "*", "[{}]"))
        .hasMessageContaining("exact destination");
    assertThatThrownBy(() -> plane.intention("web", "x", "{}")).hasMessageContaining("JSON array");
    assertThatThrownBy(() -> plane.setHealth("nobody", "passing")).hasMessageContaining("'nobody'");
  }

  @Test
  void theAgentSaysWhatItsDefaultIs() {
    assertThat(agent.get("/v1/agent/self").at("DebugConfig", "ACLsEnabled")).isEqualTo(false);
    assertThat(agent.get("/v1/status/leader").header("X-Consul-Default-Acl-Policy"))
        .isEqualTo("allow");

    plane.defaultAllow(false);

    assertThat(agent.get("/v1/agent/self").text("DebugConfig", "ACLDefaultPolicy"))
        .isEqualTo("deny");
    assertThat(agent.get("/v1/status/leader").header("X-Consul-Default-Acl-Policy"))
        .isEqualTo("deny");
  }
}
