package io.meshnative.testkit.internal;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One instance in the catalog. Mutable; guarded by the {@link BlockingIndex}'s lock.
 *
 * <p>{@code listedAs} is the mesh service under which {@code health/connect} shows it; the truth of
 * it is the caller's business, so that tests can plant hostile rows.
 */
final class ServiceInstance {
  /** A health check of an instance. */
  static final class Check {
    final String id;
    final String name;
    final String type;
    final @Nullable Duration ttl;
    String status;
    String output = "";
    String notes = "";

    /** The instance whose checks this one stands for; empty for none. */
    String aliasOf = "";

    Instant expires = Instant.MAX;

    /** What the agent does by itself to find out; null where somebody else tells it. */
    @Nullable Probe probe;

    Duration interval = Duration.ofSeconds(10);
    long modifyIndex;
    final long createIndex;

    Check(String id, String name, String type, @Nullable Duration ttl, String status, long index) {
      this.id = id;
      this.name = name;
      this.type = type;
      this.ttl = ttl;
      this.status = status;
      this.createIndex = index;
      this.modifyIndex = index;
    }
  }

  final String id;
  final String name;
  final String kind;
  final String address;
  final int port;
  String socketPath = "";
  List<?> tags = List.of();
  Map<String, @Nullable Object> meta = Map.of();
  Map<String, @Nullable Object> taggedAddresses = Map.of();
  Map<String, @Nullable Object> proxy = Map.of();
  boolean connectNative;
  boolean enableTagOverride;
  int passingWeight = 1;
  int warningWeight = 1;
  String datacenter;
  @Nullable String listedAs;

  /** By id, as every answer lists them. */
  final Map<String, Check> checks = new java.util.TreeMap<>();

  long createIndex;
  long modifyIndex;

  ServiceInstance(
      String id, String name, String kind, String address, int port, String datacenter) {
    this.id = id;
    this.name = name;
    this.kind = kind;
    this.address = address;
    this.port = port;
    this.datacenter = datacenter;
  }

  boolean isProxy() {
    return kind.equals("connect-proxy");
  }

  /** Whether {@code health/connect} of a service shows it. */
  boolean reaches(String service) {
    if (listedAs != null) {
      return listedAs.equals(service);
    }
    if (isProxy()) {
      return service.equals(proxy.get("DestinationServiceName"));
    }
    return connectNative && name.equals(service);
  }

  boolean passing() {
    return checks.values().stream().allMatch(check -> check.status.equals("passing"));
  }

  /** The worst status of all checks, as {@code AggregatedStatus} has it. */
  String aggregated() {
    String worst = "passing";
    for (Check check : checks.values()) {
      if (check.status.equals("critical")) {
        return "critical";
      }
      if (check.status.equals("warning")) {
        worst = "warning";
      }
    }
    return worst;
  }

  private Map<String, @Nullable Object> weights() {
    return Json.object("Passing", passingWeight, "Warning", warningWeight);
  }

  private Map<String, @Nullable Object> connect() {
    return connectNative ? Json.object("Native", true) : Json.object();
  }

  private void putAddresses(Map<String, @Nullable Object> json) {
    if (!address.isEmpty()) {
      Object own = Json.object("Address", address, "Port", port);
      Map<String, @Nullable Object> all = new java.util.TreeMap<>(taggedAddresses);
      all.putIfAbsent("lan_ipv4", own);
      all.putIfAbsent("wan_ipv4", own);
      json.put("TaggedAddresses", all);
    } else if (!taggedAddresses.isEmpty()) {
      json.put("TaggedAddresses", taggedAddresses);
    }
  }

  private Map<String, @Nullable Object> proxyJson(boolean old) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>(proxy);
    if (!old) {
      json.put("Mode", "");
    }
    json.put("MeshGateway", Json.object());
    json.put("Expose", Json.object());
    return json;
  }

  /** The {@code Service} of a health row. */
  Map<String, @Nullable Object> healthJson(boolean old) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    if (!kind.isEmpty()) {
      json.put("Kind", kind);
    }
    json.put("ID", id);
    json.put("Service", name);
    json.put("Tags", tags);
    json.put("Address", address);
    putAddresses(json);
    json.put("Meta", meta.isEmpty() ? null : meta);
    if (port != 0) {
      json.put("Port", port);
    }
    if (!socketPath.isEmpty()) {
      json.put("SocketPath", socketPath);
    }
    json.put("Weights", weights());
    json.put("EnableTagOverride", enableTagOverride);
    json.put("Proxy", proxyJson(old));
    json.put("Connect", connect());
    json.put("CreateIndex", createIndex);
    json.put("ModifyIndex", modifyIndex);
    return json;
  }

  /** The object of {@code agent/service/:id} and {@code agent/services}. */
  Map<String, @Nullable Object> agentJson(boolean old, @Nullable String contentHash) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    if (!kind.isEmpty()) {
      json.put("Kind", kind);
    }
    json.put("ID", id);
    json.put("Service", name);
    json.put("Tags", tags);
    json.put("Meta", meta);
    json.put("Port", port);
    json.put("Address", address);
    if (!old) {
      json.put("SocketPath", socketPath);
    }
    putAddresses(json);
    json.put("Weights", weights());
    json.put("EnableTagOverride", enableTagOverride);
    if (contentHash != null) {
      json.put("ContentHash", contentHash);
    }
    if (isProxy()) {
      json.put("Proxy", proxyJson(old));
    }
    if (connectNative) {
      json.put("Connect", connect());
    }
    if (!old) {
      json.put("Datacenter", datacenter);
    }
    return json;
  }

  /** A row of {@code catalog/service} and {@code catalog/connect}: flat, without health. */
  Map<String, @Nullable Object> catalogJson(Map<String, @Nullable Object> node, boolean old) {
    Map<String, @Nullable Object> json =
        Json.object(
            "ID", node.get("ID"),
            "Node", node.get("Node"),
            "Address", node.get("Address"),
            "Datacenter", datacenter,
            "TaggedAddresses", node.get("TaggedAddresses"),
            "NodeMeta", node.get("Meta"),
            "ServiceKind", kind,
            "ServiceID", id,
            "ServiceName", name,
            "ServiceTags", tags,
            "ServiceAddress", address);
    Map<String, @Nullable Object> addresses = new LinkedHashMap<>();
    putAddresses(addresses);
    if (addresses.containsKey("TaggedAddresses")) {
      json.put("ServiceTaggedAddresses", addresses.get("TaggedAddresses"));
    }
    json.put("ServiceWeights", weights());
    json.put("ServiceMeta", meta);
    json.put("ServicePort", port);
    if (!old) {
      json.put("ServiceSocketPath", socketPath);
    }
    json.put("ServiceEnableTagOverride", enableTagOverride);
    json.put("ServiceProxy", proxyJson(old));
    json.put("ServiceConnect", connect());
    json.put("CreateIndex", createIndex);
    json.put("ModifyIndex", modifyIndex);
    return json;
  }

  /** A check as the agent itself shows it, before it is written into the catalog. */
  Map<String, @Nullable Object> agentCheckJson(Check check, String node, boolean old) {
    Map<String, @Nullable Object> json = checkJson(check, node, id, name, tags, old);
    json.put("CreateIndex", 0);
    json.put("ModifyIndex", 0);
    return json;
  }

  /** A check as {@code agent/health} shows it: without its type, with an empty definition. */
  Map<String, @Nullable Object> agentHealthCheckJson(Check check, String node, boolean old) {
    Map<String, @Nullable Object> json = agentCheckJson(check, node, old);
    json.replace("ServiceTags", List.of(), null);
    json.put("Type", "");
    json.remove("Interval");
    json.remove("Timeout");
    json.remove("ExposedPort");
    Map<String, @Nullable Object> definition =
        Json.object("Interval", "0s", "Timeout", "0s", "DeregisterCriticalServiceAfter", "0s");
    definition.putAll(Json.object("HTTP", "", "Header", null, "Method", "", "Body", ""));
    if (!old) {
      definition.put("TLSServerName", "");
    }
    definition.putAll(Json.object("TLSSkipVerify", false, "TCP", ""));
    json.put("Definition", definition);
    return json;
  }

  List<Object> checksJson(String node, boolean old, List<Check> nodeChecks) {
    List<Object> list = new ArrayList<>();
    nodeChecks.forEach(check -> list.add(checkJson(check, node, "", "", List.of(), old)));
    checks.values().forEach(check -> list.add(checkJson(check, node, id, name, tags, old)));
    return list;
  }

  private static Map<String, @Nullable Object> checkJson(
      Check check, String node, String serviceId, String service, List<?> tags, boolean old) {
    Map<String, @Nullable Object> json =
        Json.object(
            "Node", node,
            "CheckID", check.id,
            "Name", check.name,
            "Status", check.status,
            "Notes", check.notes,
            "Output", check.output,
            "ServiceID", serviceId,
            "ServiceName", service,
            "ServiceTags", tags,
            "Type", check.type);
    if (!old) {
      json.put("Interval", "");
      json.put("Timeout", "");
      json.put("ExposedPort", 0);
    }
    json.put("Definition", Json.object());
    json.put("CreateIndex", check.createIndex);
    json.put("ModifyIndex", check.modifyIndex);
    return json;
  }
}
