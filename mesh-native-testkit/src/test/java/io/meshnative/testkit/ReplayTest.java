package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.testkit.internal.Json;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Sessions that were captured from real agents, played to the plane in an order that makes the same
 * state: every answer has the same status, the same headers and the same content, but for what is
 * another in every cluster.
 */
class ReplayTest {
  private static final Set<String> OWN_TO_A_CLUSTER =
      Set.of(
          "CreateIndex",
          "ModifyIndex",
          "CustomizationHash",
          "Hash",
          "ContentHash",
          "CreatedAt",
          "UpdatedAt",
          "LegacyCreateTime",
          "LegacyUpdateTime");

  @Test
  void configEntriesOf110() {
    replay("config-1.10.3", ConsulVersion.V1_10);
  }

  @Test
  void chainsOf110() {
    replay("chains-1.10.3", ConsulVersion.V1_10);
  }

  @Test
  void intentionsOf110() {
    replay("intentions-1.10.3", ConsulVersion.V1_10);
  }

  @Test
  void instancesOf110() {
    replay("instances-1.10.3", ConsulVersion.V1_10);
  }

  @Test
  void chainsOf18() {
    replay("chains-1.8.7", ConsulVersion.V1_8);
  }

  private static void replay(String session, ConsulVersion version) {
    SoftAssertions all = new SoftAssertions();
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().mimic(version).start()) {
      Agent agent = new Agent(plane);
      List<?> exchanges = (List<?>) CapturedShapeTest.resource("captured/" + session + ".json");
      assertThat(exchanges).isNotEmpty();
      for (Object tree : exchanges) {
        Map<?, ?> one = (Map<?, ?>) tree;
        Object body = one.get("body");
        String sent = body == null ? null : body instanceof String text ? text : Json.write(body);
        Agent.Answer answer =
            agent.call((String) one.get("method"), (String) one.get("path"), sent);
        compare(all, one, answer, plane.trustDomain());
      }
    }
    all.assertAll();
  }

  static void compare(
      SoftAssertions all, Map<?, ?> captured, Agent.Answer answer, String trustDomain) {
    String name = (String) captured.get("name");
    all.assertThat((long) answer.status())
        .as("status of %s: %s", name, answer.body())
        .isEqualTo(captured.get("status"));
    Object expected = captured.get("answer");
    boolean json = answer.header("Content-Type").equals("application/json");
    Object found = json ? answer.tree() : answer.body();
    all.assertThat(masked(found, trustDomain)).as(name).isEqualTo(masked(expected, ""));
    if (captured.get("headers") == null) {
      // Not captured, but needed for the state that follows.
      return;
    }
    TreeSet<String> headers = new TreeSet<>(answer.headers().keySet());
    headers.remove("content-length");
    TreeSet<String> wanted = new TreeSet<>();
    for (Object header : (List<?>) captured.get("headers")) {
      wanted.add(String.valueOf(header).toLowerCase(Locale.ROOT));
    }
    all.assertThat(headers).as("headers of %s", name).isEqualTo(wanted);
  }

  private static @Nullable Object masked(@Nullable Object tree, String trustDomain) {
    if (tree instanceof Map<?, ?> map) {
      Map<Object, @Nullable Object> all = new LinkedHashMap<>();
      map.forEach((key, value) ->
          all.put(key, OWN_TO_A_CLUSTER.contains(key) ? "*" : masked(value, trustDomain)));
      return all;
    }
    if (tree instanceof List<?> list) {
      // Rows of health come in changing order (l.5). Sidecars of the plane lack the two checks that
      // a real agent gives them.
      return list.stream()
          .map(one -> String.valueOf(masked(one, trustDomain)))
          .filter(one -> !one.contains("Kind=connect-proxy"))
          .sorted()
          .toList();
    }
    if (tree instanceof String text) {
      return text.replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>");
    }
    return tree;
  }
}
