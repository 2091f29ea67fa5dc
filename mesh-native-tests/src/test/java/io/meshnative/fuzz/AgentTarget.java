package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import com.squareup.moshi.JsonReader;
import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.consul.AgentAnswers;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import okio.Buffer;

/** The agent's answers: roots, leaf, intentions, instances. */
public final class AgentTarget {
  private static final String SERVICE = "db";
  private static final Set<String> DECIDING =
      Set.of(
          "SourceNS",
          "SourceName",
          "SourcePartition",
          "SourcePeer",
          "SourceSamenessGroup",
          "SourceType",
          "DestinationNS",
          "DestinationName",
          "DestinationPartition",
          "Action",
          "Permissions",
          "JWT",
          "Precedence");
  private static final Set<String> BENIGN =
      Set.of(
          "Description",
          "ID",
          "Meta",
          "Hash",
          "CreatedAt",
          "UpdatedAt",
          "CreateIndex",
          "ModifyIndex",
          "DefaultAddr",
          "DefaultPort",
          "LegacyID",
          "LegacyMeta",
          "LegacyCreateTime",
          "LegacyUpdateTime");

  private AgentTarget() {}

  /** Called by the fuzzer: a byte that says which answer, and its body. */
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length == 0) {
      return;
    }
    byte[] body = java.util.Arrays.copyOfRange(input, 1, input.length);
    try {
      switch (input[0] & 3) {
        case 0 -> require(!AgentAnswers.roots(body).bundles().isEmpty(), "there are roots");
        case 1 -> leaf(body);
        case 2 -> match(body);
        default -> health(body);
      }
    } catch (ControlPlaneException e) {
      // The one refusal there is.
    }
  }

  private static void leaf(byte[] body) throws ControlPlaneException {
    WorkloadIdentity identity = AgentAnswers.leaf(body, SERVICE);
    require(identity.id().toString().endsWith("/svc/" + SERVICE), "the leaf is the service's");
  }

  private static void match(byte[] body) throws ControlPlaneException {
    List<Intention> intentions = AgentAnswers.match(body, SERVICE);
    if (intentions.stream().anyMatch(intention -> !intention.defects().isEmpty())
        && !isJson(body)) {
      return; // a field given twice, which the other reading refuses, is a defect of its rule here
    }
    Object read = generic(body);
    require(read instanceof Map, "intentions stand in an object");
    Object listed = ((Map<?, ?>) read).get(SERVICE);
    int count = listed instanceof List<?> list ? list.size() : 0;
    require(intentions.size() == count, "no rule is skipped");
    for (int i = 0; i < count; i++) {
      Intention intention = intentions.get(i);
      Object rule = ((List<?>) listed).get(i);
      if (!intention.defects().isEmpty()) {
        continue; // it denies its destination
      }
      require(rule instanceof Map, "a rule without defect is an object");
      Map<?, ?> fields = (Map<?, ?>) rule;
      for (Object field : fields.keySet()) {
        require(
            DECIDING.contains(field) || BENIGN.contains(field),
            "a rule without defect has no unknown field");
      }
      Object action = fields.get("Action");
      boolean permissions = fields.get("Permissions") instanceof List<?> some && !some.isEmpty();
      require(
          permissions || "allow".equals(action) || "deny".equals(action),
          "a rule without defect says what it does");
      require(
          intention
              .action()
              .map(a -> a.name().toLowerCase(java.util.Locale.ROOT).equals(action))
              .orElse(permissions),
          "the action is the one that was written");
      require(intention.precedence() >= 1 && intention.precedence() <= 9, "the precedence orders");
    }
    IntentionTable.compile(
        new Intention.Destination("default", "default", SERVICE), intentions, DefaultDecision.DENY);
  }

  private static boolean isJson(byte[] body) {
    try {
      Object unused = JsonReader.of(new Buffer().write(body)).readJsonValue();
      return true;
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  /** Another reading of the same text, which knows nothing of Consul. */
  private static Object generic(byte[] body) {
    try {
      return JsonReader.of(new Buffer().write(body)).readJsonValue();
    } catch (IOException | RuntimeException e) {
      throw new AssertionError("what is no JSON is no answer", e);
    }
  }

  private static void health(byte[] body) throws ControlPlaneException {
    EndpointSet set = AgentAnswers.health(body, SERVICE);
    require(generic(body) instanceof List, "instances stand in an array");
    require(set.endpoints().size() <= 10_000, "endpoints are bounded");
    for (Endpoint endpoint : set.endpoints()) {
      require(endpoint.port() >= 1 && endpoint.port() <= 65_535, "a port is one");
      require(endpoint.weight() >= 1 && endpoint.weight() <= 128, "a weight is one");
      require(endpoint.identity().service().equals(SERVICE), "an endpoint is the service's");
      require(endpoint.identity().datacenter().equals("dc1"), "an endpoint is of our datacenter");
      require(
          endpoint.host().chars().allMatch(c -> c > 0x20 && c < 0x7f && c != '/' && c != '%'),
          "a host is plain");
    }
    for (String skipped : set.skipped()) {
      require(skipped.chars().noneMatch(Character::isISOControl), "a reason is one line of text");
    }
  }
}
