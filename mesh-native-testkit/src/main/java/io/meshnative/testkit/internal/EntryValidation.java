package io.meshnative.testkit.internal;

import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What Consul checks of an entry by itself, before it looks at the others, with its texts. */
final class EntryValidation {
  private static final Set<String> MODES = Set.of("", "none", "local", "remote");
  private static final Set<String> POLICIES =
      Set.of("", "random", "round_robin", "least_request", "ring_hash", "maglev");

  private EntryValidation() {}

  static void check(String kind, JsonObject entry) {
    if (!kind.equals("mesh") && entry.text("Name").isEmpty()) {
      throw new ApiError(500, "Name is required");
    }
    String mode = ConfigEntries.child(entry, "MeshGateway").text("Mode");
    if (!MODES.contains(mode)) {
      throw new ApiError(500, "Invalid MeshGateway Mode: \"" + mode + "\"");
    }
    switch (kind) {
      case ConfigEntries.ROUTER -> router(entry);
      case ConfigEntries.SPLITTER -> splitter(entry);
      case ConfigEntries.RESOLVER -> resolver(entry);
      default -> {
        // Defaults have nothing else to check.
      }
    }
  }

  private static void router(JsonObject entry) {
    int i = 0;
    for (Object tree : entry.list("Routes")) {
      String where = "Route[" + i++ + "]";
      JsonObject route = ConfigEntries.object(tree);
      JsonObject http = ConfigEntries.child(ConfigEntries.child(route, "Match"), "HTTP");
      HttpMatch.check(where, where + " ", http);
      JsonObject destination = ConfigEntries.child(route, "Destination");
      boolean path = http.has("PathExact") || http.has("PathPrefix");
      if (destination.has("PrefixRewrite") && !path) {
        throw new ApiError(
            500,
            where
                + " cannot make use of PrefixRewrite without configuring either PathExact or"
                + " PathPrefix");
      }
    }
  }

  static BigDecimal weight(JsonObject split) {
    Object value = split.get("Weight");
    return value instanceof Number number ? new BigDecimal(number.toString()) : BigDecimal.ZERO;
  }

  private static void splitter(JsonObject entry) {
    if (entry.list("Splits").isEmpty()) {
      throw new ApiError(500, "no splits configured");
    }
    Set<String> seen = new HashSet<>();
    BigDecimal sum = BigDecimal.ZERO;
    for (Object tree : entry.list("Splits")) {
      JsonObject split = ConfigEntries.object(tree);
      String service = split.text("Service");
      String subset = split.text("ServiceSubset");
      if (!seen.add((service.isEmpty() ? entry.text("Name") : service) + "/" + subset)) {
        throw new ApiError(
            500,
            "split destination occurs more than once: service=\"%s\", subset=\"%s\", namespace=\"\""
                .formatted(service, subset));
      }
      sum = sum.add(weight(split));
    }
    if (sum.compareTo(BigDecimal.valueOf(100)) != 0) {
      throw new ApiError(
          500,
          "the sum of all split weights must be 100, not %s"
              .formatted(sum.setScale(6, java.math.RoundingMode.HALF_UP).toPlainString()));
    }
  }

  private static void resolver(JsonObject entry) {
    Map<String, ?> subsets = ConfigEntries.child(entry, "Subsets").fields();
    String chosen = entry.text("DefaultSubset");
    if (!chosen.isEmpty() && !subsets.containsKey(chosen)) {
      throw new ApiError(500, "DefaultSubset \"" + chosen + "\" is not a valid subset");
    }
    if (entry.has("Redirect")) {
      JsonObject redirect = ConfigEntries.child(entry, "Redirect");
      if (entry.has("Failover")) {
        throw new ApiError(500, "Redirect and Failover cannot both be set");
      }
      if (List.of("Service", "ServiceSubset", "Datacenter").stream().noneMatch(redirect::has)) {
        throw new ApiError(500, "Redirect is empty");
      }
      if (redirect.has("ServiceSubset") && !redirect.has("Service")) {
        throw new ApiError(500, "Redirect.ServiceSubset defined without Redirect.Service");
      }
    }
    ConfigEntries.child(entry, "Failover")
        .fields()
        .forEach((name, tree) -> {
          JsonObject failover = ConfigEntries.object(tree);
          if (!name.equals("*") && !subsets.containsKey(name)) {
            throw new ApiError(500, "Bad Failover[\"" + name + "\"]: not a valid subset");
          }
          if (List.of("Service", "ServiceSubset", "Datacenters").stream()
              .noneMatch(failover::has)) {
            throw new ApiError(
                500,
                "Bad Failover[\"%s\"] one of Service, ServiceSubset, Namespace, or Datacenters is required"
                    .formatted(name));
          }
        });
    String policy = ConfigEntries.child(entry, "LoadBalancer").text("Policy");
    if (!POLICIES.contains(policy)) {
      throw new ApiError(500, "Bad LoadBalancer policy: \"" + policy + "\"");
    }
  }

  /** Whether an entry says no more than there being none. */
  static boolean isDefaultResolver(JsonObject entry) {
    return List.of(
            "ConnectTimeout", "DefaultSubset", "Subsets", "Redirect", "Failover", "LoadBalancer")
        .stream()
        .noneMatch(entry::has);
  }
}
