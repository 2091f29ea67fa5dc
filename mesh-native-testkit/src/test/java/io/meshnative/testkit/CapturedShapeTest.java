package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.testkit.internal.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the plane answers has the fields and headers of what real agents answered. */
class CapturedShapeTest {
  private final List<EmbeddedControlPlane> planes = new ArrayList<>();

  @AfterEach
  void close() {
    planes.forEach(EmbeddedControlPlane::close);
  }

  private EmbeddedControlPlane plane(ConsulVersion version) {
    EmbeddedControlPlane plane = EmbeddedControlPlane.builder().mimic(version).start();
    planes.add(plane);
    return plane;
  }

  private static Captured captured(String name) {
    return Captured.load(
        name.substring(0, name.indexOf('/')), name.substring(name.indexOf('/') + 1));
  }

  /** Every path of field names that occurs, such as {@code billing[].Precedence}. */
  private static Set<String> paths(@Nullable Object tree) {
    Set<String> all = new TreeSet<>();
    collect(tree, "", all);
    return all;
  }

  private static void collect(@Nullable Object tree, String at, Set<String> all) {
    if (tree instanceof Map<?, ?> map) {
      map.forEach((key, value) -> {
        all.add(at + "." + key);
        collect(value, at + "." + key, all);
      });
    } else if (tree instanceof List<?> list) {
      list.forEach(value -> collect(value, at + "[]", all));
    }
  }

  private static void assertSame(Agent.Answer answer, String name) {
    assertThat(paths(answer.tree())).isEqualTo(paths(captured(name).answer()));
    TreeSet<String> expected = new TreeSet<>();
    captured(name)
        .headers()
        .keySet()
        .forEach(header -> expected.add(header.toLowerCase(java.util.Locale.ROOT)));
    TreeSet<String> actual = new TreeSet<>(answer.headers().keySet());
    actual.remove("content-length");
    // Whether the cache was warm is a matter of the moment.
    List.of("age", "x-cache")
        .forEach(header -> {
          expected.remove(header);
          actual.remove(header);
        });
    assertThat(actual).isEqualTo(expected);
  }

  @Test
  void intentionsOf18() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_8);
    Agent agent = new Agent(plane);
    agent.call(
        "POST",
        "/v1/connect/intentions",
        "{\"SourceName\":\"web\",\"DestinationName\":\"billing\",\"SourceType\":\"consul\","
            + "\"Action\":\"allow\",\"Meta\":{\"owner\":\"team-a\"}}");
    plane.deny("batch", "billing").deny("*", "billing").allow("web", "*");

    assertSame(
        agent.get("/v1/connect/intentions/match?by=destination&name=billing"),
        "1.8.7/intentions-match-destination-mixed-precedence");
    assertSame(agent.get("/v1/connect/intentions"), "1.8.7/intentions-list");
  }

  @Test
  void noIntentionsAreNullIn18() {
    assertSame(
        new Agent(plane(ConsulVersion.V1_8))
            .get("/v1/connect/intentions/match?by=destination&name=billing"),
        "1.8.7/intentions-match-destination-none");
  }

  @Test
  void noIntentionsAreNullIn110() {
    assertSame(
        new Agent(plane(ConsulVersion.V1_10))
            .get("/v1/connect/intentions/match?by=destination&name=api"),
        "1.10.3/intentions-match-destination-none");
  }

  @Test
  void intentionsOf110AsTheyAreWrittenAndMatched() {
    Agent agent = new Agent(plane(ConsulVersion.V1_10));
    String l4 =
        "{\"Kind\":\"service-intentions\",\"Name\":\"billing\",\"Meta\":{\"owner\":\"payments\"},"
            + "\"Sources\":[{\"Name\":\"web\",\"Action\":\"allow\",\"Description\":\"web may call"
            + " billing\"},{\"Name\":\"batch\",\"Action\":\"deny\"}]}";
    assertThat(agent.put("/v1/config", l4).body()).isEqualTo("true");

    assertSame(
        agent.get("/v1/config/service-intentions/billing"),
        "1.10.3/config-get-service-intentions-l4");
    assertSame(
        agent.get("/v1/connect/intentions/match?by=destination&name=billing"),
        "1.10.3/intentions-match-destination-l4");
  }

  @Test
  void permissionsOf110AsTheyAreMatched() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_10);
    Object body = captured("1.10.3/intentions-match-destination-l7-mixed").answer();
    List<?> rules = (List<?>) ((Map<?, ?>) body).get("api");
    List<Object> sources = new ArrayList<>();
    for (Object tree : rules) {
      Map<?, ?> rule = (Map<?, ?>) tree;
      if (rule.get("DestinationName").equals("api")) {
        Map<String, @Nullable Object> source = Json.object("Name", rule.get("SourceName"));
        for (String field : List.of("Action", "Permissions", "Description")) {
          if (rule.containsKey(field)) {
            source.put(field, rule.get(field));
          }
        }
        // Against the order, which the plane has to restore.
        sources.add(0, source);
      } else {
        plane.deny((String) rule.get("SourceName"), "*");
      }
    }
    Agent agent = new Agent(plane);
    plane.configEntry("{\"Kind\":\"service-defaults\",\"Name\":\"api\",\"Protocol\":\"http\"}");
    Object entry =
        Json.object(
            "Kind",
            "service-intentions",
            "Name",
            "api",
            "Meta",
            Json.object("owner", "core"),
            "Sources",
            sources);
    assertThat(agent.put("/v1/config", Json.write(entry)).body()).isEqualTo("true");

    Agent.Answer match = agent.get("/v1/connect/intentions/match?by=destination&name=api");

    assertSame(match, "1.10.3/intentions-match-destination-l7-mixed");
    assertThat(sourceNames(match.list("api"))).isEqualTo(sourceNames(rules));
  }

  private static List<String> sourceNames(List<?> rules) {
    return rules.stream().map(rule -> (String) ((Map<?, ?>) rule).get("SourceName")).toList();
  }

  @Test
  void intentionsOfTheOldApiKeepTheirIdIn110() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_10);
    Agent agent = new Agent(plane);
    agent.call(
        "POST",
        "/v1/connect/intentions",
        "{\"SourceName\":\"web\",\"DestinationName\":\"legacy\",\"SourceType\":\"consul\","
            + "\"Action\":\"allow\",\"Description\":\"old style\",\"Meta\":{\"k\":\"v\"}}");
    plane.allow("admin", "*");

    assertSame(
        agent.get("/v1/connect/intentions/match?by=destination&name=legacy"),
        "1.10.3/intentions-match-destination-legacy-id");
  }

  @Test
  void rootsAndLeaves() {
    for (ConsulVersion version : ConsulVersion.values()) {
      String prefix = version.text() + "/";
      Agent agent = new Agent(plane(version));
      boolean old = version == ConsulVersion.V1_8;
      assertSame(
          agent.get("/v1/agent/connect/ca/roots"),
          prefix + (old ? "ca-roots-before-rotation" : "ca-roots"));
      assertSame(
          agent.get("/v1/agent/connect/ca/leaf/billing"),
          prefix + (old ? "ca-leaf-second-call-same-cert" : "ca-leaf"));
    }
  }

  @Test
  void rootsAfterARotation() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_10).rotateRoot();

    assertSame(
        new Agent(plane).get("/v1/agent/connect/ca/roots"), "1.10.3/rotation-1-g-roots-after");
  }

  @Test
  void nativeInstancesOf18() {
    Agent agent = new Agent(plane(ConsulVersion.V1_8));
    agent.put("/v1/agent/service/register", NATIVE.replace("pay", "billing"));

    assertSame(agent.get("/v1/health/connect/billing?passing"), "1.8.7/health-connect-native");
    assertSame(agent.get("/v1/agent/service/billing-1"), "1.8.7/agent-service-native");
  }

  private static final String NATIVE =
      """
      {"Name":"pay","ID":"pay-1","Port":9443,"Address":"10.0.0.5","Tags":["v1","jvm"],
       "Meta":{"version":"1"},"Weights":{"Passing":10,"Warning":2},"Connect":{"Native":true},
       "TaggedAddresses":{"lan":{"Address":"10.0.0.5","Port":9443},
                          "wan":{"Address":"198.51.100.7","Port":19443}},
       "Checks":[{"CheckID":"pay-1-ttl","Name":"alive","TTL":"600s","Status":"passing",
                  "DeregisterCriticalServiceAfter":"60m"}]}
      """;

  @Test
  void instancesOfAllKindsIn110() {
    Agent agent = new Agent(plane(ConsulVersion.V1_10));
    agent.put("/v1/agent/service/register", NATIVE);
    agent.put(
        "/v1/agent/service/register",
        "{\"Name\":\"pay\",\"ID\":\"pay-6\",\"SocketPath\":\"/tmp/pay.sock\","
            + "\"Connect\":{\"Native\":true}}");
    agent.put(
        "/v1/agent/service/register",
        "{\"Name\":\"pay\",\"ID\":\"pay-8\",\"Port\":8080,\"Connect\":{\"SidecarService\":{}}}");

    assertSame(agent.get("/v1/health/connect/pay"), "1.10.3/health-connect-native-mixed");
    assertSame(agent.get("/v1/agent/service/pay-1"), "1.10.3/agent-service-native");
    assertSame(agent.get("/v1/health/connect/none"), "1.10.3/health-connect-unknown-service");
  }

  @Test
  void theDefaultChain() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_10);

    assertSame(
        new Agent(plane).get("/v1/discovery-chain/nothing"),
        "1.10.3/discovery-chain-default-unregistered");
  }

  @Test
  void decisions() {
    EmbeddedControlPlane plane = plane(ConsulVersion.V1_10).allow("web", "billing");
    EmbeddedControlPlane old = plane(ConsulVersion.V1_8).allow("web", "billing");

    assertSame(new Agent(plane).authorize("web", "billing"), "1.10.3/authorize-l4-allow");
    assertSame(new Agent(old).authorize("web", "billing"), "1.8.7/authorize-allow");
  }
}
