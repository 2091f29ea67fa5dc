package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ConfigEntries.Entry;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Compiles a service's config entries into its discovery chain: a router, else a splitter, else a
 * resolver, and the targets that they end in. Redirects and default subsets are followed here, so
 * that a chain has none.
 *
 * <p>Used once. Its errors are Consul's, and refuse the write of an entry that would cause them.
 */
final class ChainCompiler {
  /** What {@code POST} may override; empty for nothing. */
  record Overrides(@Nullable Duration connectTimeout, String protocol, String meshGateway) {
    static final Overrides NONE = new Overrides(null, "", "");
  }

  private static final BigDecimal HUNDRED = BigDecimal.valueOf(100);

  private final ConfigEntries entries;
  private final String service;
  private final String trustDomain;
  private final String localDatacenter;
  private final String datacenter;
  private final Overrides overrides;
  private final Map<String, Map<String, @Nullable Object>> nodes = new TreeMap<>();
  private final Map<String, ChainTarget> targets = new TreeMap<>();
  private final List<String> customizedBy = new ArrayList<>();
  private String protocol = "";
  private boolean advanced;

  ChainCompiler(
      ConfigEntries entries,
      String service,
      String trustDomain,
      String localDatacenter,
      String datacenter,
      Overrides overrides) {
    this.entries = entries;
    this.service = service;
    this.trustDomain = trustDomain;
    this.localDatacenter = localDatacenter;
    this.datacenter = datacenter;
    this.overrides = overrides;
  }

  /**
   * The {@code Chain} of the answer.
   *
   * @throws ApiError 500 where the entries make no chain
   */
  Map<String, @Nullable Object> compile() {
    recordProtocol(service);
    String start =
        advancedAllowed()
            ? startOfRouter().orElseGet(() -> splitterOrResolver(service))
            : resolver(target(service, ""), false);
    if (advanced && !ConfigEntries.isHttpLike(protocol)) {
      throw new ApiError(
          500,
          "discovery chain \"%s\" uses a protocol \"%s\" that does not permit advanced routing or splitting behavior"
              .formatted(service, protocol));
    }
    if (!overrides.protocol().isEmpty() && !overrides.protocol().equals(protocol)) {
      protocol = overrides.protocol();
      customizedBy.add(protocol);
    }
    Map<String, @Nullable Object> chain =
        Json.object("ServiceName", service, "Namespace", "default", "Datacenter", datacenter);
    if (!customizedBy.isEmpty()) {
      chain.put("CustomizationHash", String.format("%08x", customizedBy.hashCode()));
    }
    chain.put("Protocol", protocol);
    chain.put("StartNode", start);
    chain.put("Nodes", nodes);
    Map<String, @Nullable Object> shown = new LinkedHashMap<>();
    targets.forEach((id, target) -> shown.put(id, target.json(trustDomain)));
    chain.put("Targets", shown);
    return chain;
  }

  private boolean advancedAllowed() {
    return overrides.protocol().isEmpty() || ConfigEntries.isHttpLike(overrides.protocol());
  }

  private void recordProtocol(String of) {
    String found = entries.protocol(of);
    if (protocol.isEmpty()) {
      protocol = found;
    } else if (!protocol.equals(found)) {
      throw new ApiError(
          500,
          "discovery chain \"%s\" uses inconsistent protocols; service \"%s\" has \"%s\" which is not \"%s\""
              .formatted(service, of, found, protocol));
    }
  }

  private ChainTarget target(String name, String subset) {
    return new ChainTarget(name, subset, datacenter);
  }

  private static String or(String text, String otherwise) {
    return text.isEmpty() ? otherwise : text;
  }

  private Optional<String> startOfRouter() {
    Optional<Entry> router = entries.entry(ConfigEntries.ROUTER, service);
    if (router.isEmpty()) {
      return Optional.empty();
    }
    advanced = true;
    List<Object> routes = new ArrayList<>();
    for (Object route : router.get().fields().list("Routes")) {
      JsonObject destination = ConfigEntries.child(ConfigEntries.object(route), "Destination");
      String name = or(destination.text("Service"), service);
      String subset = destination.text("ServiceSubset");
      String next =
          subset.isEmpty() ? splitterOrResolver(name) : resolver(target(name, subset), false);
      routes.add(Json.object("Definition", route, "NextNode", next));
    }
    // What no route matches goes to the service itself.
    Object catchAll =
        Json.object(
            "Match",
            Json.object("HTTP", Json.object("PathPrefix", "/")),
            "Destination",
            Json.object("Service", service, "Namespace", "default"));
    routes.add(Json.object("Definition", catchAll, "NextNode", splitterOrResolver(service)));
    String name = service + ".default";
    String key = "router:" + name;
    nodes.put(key, Json.object("Type", "router", "Name", name, "Routes", routes));
    return Optional.of(key);
  }

  private String splitterOrResolver(String name) {
    if (entries.entry(ConfigEntries.SPLITTER, name).isEmpty()) {
      return resolver(target(name, ""), false);
    }
    advanced = true;
    String id = name + ".default";
    String key = "splitter:" + id;
    if (!nodes.containsKey(key)) {
      Splits splits = new Splits();
      splits.collect(name, HUNDRED, List.of());
      Map<String, @Nullable Object> node =
          Json.object("Type", "splitter", "Name", id, "Splits", splits.all);
      if (splits.loadBalancer != null) {
        node.put("LoadBalancer", splits.loadBalancer);
      }
      nodes.put(key, node);
    }
    return key;
  }

  /** The splits of a splitter, with those of splitters that it leads to multiplied in. */
  private final class Splits {
    final List<Object> all = new ArrayList<>();

    /** The first one that hashes: a route can have but one. */
    @Nullable Object loadBalancer;

    void collect(String name, BigDecimal share, List<String> above) {
      List<String> trail = new ArrayList<>(above);
      trail.add("splitter:" + name + ".default");
      if (above.contains("splitter:" + name + ".default")) {
        throw new ApiError(
            500, "detected circular reference: [" + String.join(" -> ", trail) + "]");
      }
      for (Object tree :
          entries.entry(ConfigEntries.SPLITTER, name).orElseThrow().fields().list("Splits")) {
        JsonObject split = ConfigEntries.object(tree);
        String next = or(split.text("Service"), name);
        String subset = split.text("ServiceSubset");
        BigDecimal weight =
            EntryValidation.weight(split).multiply(share).divide(HUNDRED, 2, RoundingMode.HALF_UP);
        if (subset.isEmpty()
            && !next.equals(name)
            && entries.entry(ConfigEntries.SPLITTER, next).isPresent()) {
          recordProtocol(next);
          collect(next, weight, trail);
        } else {
          String node = resolver(target(next, subset), false);
          all.add(Json.object("Weight", shown(weight), "NextNode", node));
          takeLoadBalancer(nodes.getOrDefault(node, Map.of()).get("LoadBalancer"));
        }
      }
    }

    private void takeLoadBalancer(@Nullable Object candidate) {
      if (loadBalancer == null && candidate != null) {
        String policy = ConfigEntries.object(candidate).text("Policy");
        loadBalancer = policy.equals("ring_hash") || policy.equals("maglev") ? candidate : null;
      }
    }
  }

  private static Number shown(BigDecimal weight) {
    BigDecimal plain = weight.stripTrailingZeros();
    return plain.scale() <= 0 ? (Number) plain.longValueExact() : plain;
  }

  /** The key of the resolver that a target leads to, after redirects and default subsets. */
  private String resolver(ChainTarget wanted, boolean asFailover) {
    ChainTarget target = wanted;
    List<String> trail = new ArrayList<>();
    while (true) {
      boolean seen = trail.contains(target.id());
      trail.add(target.id());
      if (seen) {
        throw new ApiError(
            500, "detected circular resolver redirect: [" + String.join(" -> ", trail) + "]");
      }
      recordProtocol(target.service);
      JsonObject entry = resolverEntry(target.service);
      JsonObject redirect = ConfigEntries.child(entry, "Redirect");
      ChainTarget next =
          target.rewritten(
              redirect.text("Service"),
              redirect.text("ServiceSubset"),
              redirect.text("Datacenter"));
      if (next.id().equals(target.id()) && target.subset.isEmpty()) {
        next = target.rewritten("", entry.text("DefaultSubset"), "");
      }
      if (next.id().equals(target.id())) {
        return store(target, entry, asFailover);
      }
      target = next;
    }
  }

  private JsonObject resolverEntry(String name) {
    return entries
        .entry(ConfigEntries.RESOLVER, name)
        .map(Entry::fields)
        .orElseGet(() -> ConfigEntries.object(Map.of()));
  }

  private String store(ChainTarget target, JsonObject entry, boolean asFailover) {
    String key = "resolver:" + target.id();
    JsonObject subsets = ConfigEntries.child(entry, "Subsets");
    if (!target.subset.isEmpty() && !subsets.fields().containsKey(target.subset)) {
      throw new ApiError(
          500,
          "service \"%s\" does not have a subset named \"%s\""
              .formatted(target.service, target.subset));
    }
    targets.computeIfAbsent(target.id(), unused -> finished(target, subsets));
    if (asFailover || nodes.containsKey(key)) {
      // A target of a failover needs no node of its own.
      return key;
    }
    Map<String, @Nullable Object> resolver = Json.object("ConnectTimeout", timeout(entry));
    if (EntryValidation.isDefaultResolver(entry)) {
      resolver.put("Default", true);
    }
    resolver.put("Target", target.id());
    Map<String, @Nullable Object> node =
        Json.object("Type", "resolver", "Name", target.id(), "Resolver", resolver);
    if (entry.has("LoadBalancer")) {
      node.put("LoadBalancer", entry.get("LoadBalancer"));
    }
    nodes.put(key, node);
    List<String> failover = failover(target, entry);
    if (!failover.isEmpty()) {
      resolver.put("Failover", Json.object("Targets", failover));
    }
    return key;
  }

  private String timeout(JsonObject entry) {
    String own = or(entry.text("ConnectTimeout"), "5s");
    Duration other = overrides.connectTimeout();
    if (other == null || other.isZero() || GoDuration.text(other).equals(own)) {
      return own;
    }
    customizedBy.add(GoDuration.text(other));
    return GoDuration.text(other);
  }

  private List<String> failover(ChainTarget target, JsonObject entry) {
    JsonObject all = ConfigEntries.child(entry, "Failover");
    Object chosen = all.fields().getOrDefault(target.subset, all.fields().get("*"));
    if (chosen == null) {
      return List.of();
    }
    JsonObject failover = ConfigEntries.object(chosen);
    List<?> given = failover.list("Datacenters");
    List<String> ids = new ArrayList<>();
    for (Object dc : given.isEmpty() ? List.of("") : given) {
      ChainTarget other =
          target.rewritten(
              failover.text("Service"), failover.text("ServiceSubset"), String.valueOf(dc));
      if (!other.id().equals(target.id())) {
        ids.add(resolver(other, true).substring("resolver:".length()));
      }
    }
    return ids;
  }

  private ChainTarget finished(ChainTarget target, JsonObject subsets) {
    Object subset = subsets.fields().get(target.subset);
    target.filter = subset == null ? Json.object() : ConfigEntries.object(subset).fields();
    JsonObject defaults =
        entries
            .entry(ConfigEntries.SERVICE_DEFAULTS, target.service)
            .map(Entry::fields)
            .orElseGet(() -> ConfigEntries.object(Map.of()));
    target.externalSni = defaults.text("ExternalSNI");
    // Gateways stand between datacenters only, and never before what is outside of the mesh.
    if (target.externalSni.isEmpty() && !target.datacenter.equals(localDatacenter)) {
      String own = ConfigEntries.child(defaults, "MeshGateway").text("Mode");
      String all =
          entries
              .entry(ConfigEntries.PROXY_DEFAULTS, "global")
              .map(entry -> ConfigEntries.child(entry.fields(), "MeshGateway").text("Mode"))
              .orElse("");
      target.meshGateway = or(own, all);
      if (!overrides.meshGateway().isEmpty()
          && !overrides.meshGateway().equals(target.meshGateway)) {
        target.meshGateway = overrides.meshGateway();
        customizedBy.add(target.meshGateway);
      }
    }
    return target;
  }
}
