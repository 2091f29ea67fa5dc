package io.meshnative.testkit.internal;

import io.meshnative.testkit.ServiceRow;
import io.meshnative.testkit.internal.ServiceInstance.Check;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Services, their instances and their health, on the one node that there is.
 *
 * <p>Each service has its own index, so that a watch wakes for its own service only. Guarded by the
 * {@link BlockingIndex}'s lock; every public method takes it.
 */
public final class CatalogState {
  static final String NODE = "node-1";
  static final String NODE_ADDRESS = "127.0.0.1";

  private final BlockingIndex index;
  private final PlaneSettings settings;
  private final String nodeId = UUID.randomUUID().toString();
  private final Map<String, ServiceInstance> instances = new TreeMap<>();
  private final Map<String, Long> changedAt = new HashMap<>();
  private Check nodeCheck;
  private @Nullable Check nodeMaintenance;
  private long lastExtinction;

  public CatalogState(BlockingIndex index, PlaneSettings settings) {
    this.index = index;
    this.settings = settings;
    this.nodeCheck = index.locked(this::newNodeCheck);
  }

  private Check newNodeCheck() {
    Check check = new Check("serfHealth", "Serf Health Status", "", null, "passing", index.next());
    check.output = "Agent alive and reachable";
    return check;
  }

  String nodeId() {
    return nodeId;
  }

  /** Registers what a test asks for. */
  public void register(ServiceRow row) {
    index.locked(() -> {
      String name = row.sidecar() ? row.service() + "-sidecar-proxy" : row.service();
      String datacenter = row.datacenter() == null ? settings.datacenter() : row.datacenter();
      ServiceInstance instance =
          new ServiceInstance(
              row.id(),
              name,
              row.sidecar() ? "connect-proxy" : "",
              row.address(),
              row.port(),
              datacenter);
      instance.connectNative = !row.sidecar();
      instance.listedAs = row.listedAs();
      instance.passingWeight = row.passingWeight();
      instance.warningWeight = row.warningWeight();
      instance.meta = new LinkedHashMap<>(row.meta());
      if (row.sidecar()) {
        instance.proxy = Json.object("DestinationServiceName", row.service());
      }
      String checkId = "service:" + row.id();
      instance.checks.put(
          checkId,
          new Check(
              checkId, "Service '" + name + "' check", "ttl", null, row.status(), index.next()));
      store(instance);
    });
  }

  /** Registers an instance as the agent's API gave it. */
  void register(ServiceInstance instance, List<Check> checks, boolean replaceChecks) {
    index.locked(() -> {
      ServiceInstance old = instances.get(instance.id);
      if (old != null && !replaceChecks) {
        instance.checks.putAll(old.checks);
      }
      for (Check check : checks) {
        if (!check.aliasOf.isEmpty()) {
          follow(check, instances.get(check.aliasOf));
        }
        if (check.ttl != null) {
          check.expires = settings.clock().instant().plus(check.ttl);
        }
        instance.checks.put(check.id, check);
      }
      store(instance);
    });
  }

  /** The index that a check of a coming registration carries. */
  long nextIndex() {
    return index.locked(index::next);
  }

  private void store(ServiceInstance instance) {
    ServiceInstance old = instances.get(instance.id);
    long now = index.next();
    instance.createIndex = old == null ? now : old.createIndex;
    instance.modifyIndex = now;
    instances.put(instance.id, instance);
    if (old != null) {
      changed(old, now);
    }
    changed(instance, now);
    followers(instance.id);
  }

  private void changed(ServiceInstance instance, long now) {
    changedAt.put(instance.name, now);
    if (instance.proxy.get("DestinationServiceName") instanceof String destination) {
      changedAt.put(destination, now);
    }
    if (instance.listedAs != null) {
      changedAt.put(instance.listedAs, now);
    }
  }

  /** Removes an instance. Says whether there was one. */
  public boolean deregister(String id) {
    return index.locked(() -> {
      ServiceInstance old = instances.remove(id);
      if (old != null) {
        lastExtinction = index.next();
        changed(old, lastExtinction);
        followers(id);
      }
      return old != null;
    });
  }

  /** Sets every check of an instance. Says whether there is such an instance. */
  public boolean setHealth(String id, String status) {
    return index.locked(() -> {
      ServiceInstance instance = instances.get(id);
      if (instance == null) {
        return false;
      }
      if (instance.checks.isEmpty()) {
        String checkId = "service:" + id;
        instance.checks.put(
            checkId,
            new Check(checkId, "Service '" + instance.name + "' check", "ttl", null, status, 0));
        set(instance, instance.checks.values().iterator().next(), "", "");
      }
      for (Check check : instance.checks.values()) {
        set(instance, check, status, check.output);
      }
      return true;
    });
  }

  private void set(ServiceInstance instance, Check check, String status, String output) {
    // An identical update changes nothing, so it wakes nobody.
    if (!check.status.equals(status) || !check.output.equals(output)) {
      check.status = status;
      check.output = output;
      check.modifyIndex = index.next();
      changed(instance, check.modifyIndex);
      followers(instance.id);
    }
  }

  /** Has the checks that stand for those of an instance follow them. */
  private void followers(String id) {
    for (ServiceInstance instance : instances.values()) {
      for (Check check : instance.checks.values()) {
        if (check.aliasOf.equals(id)) {
          String status = check.status;
          String output = check.output;
          follow(check, instances.get(id));
          if (!check.status.equals(status) || !check.output.equals(output)) {
            check.modifyIndex = index.next();
            changed(instance, check.modifyIndex);
          }
        }
      }
    }
  }

  private static void follow(Check alias, @Nullable ServiceInstance target) {
    if (target == null || target.checks.isEmpty()) {
      alias.status = "passing";
      alias.output = "No checks found.";
      return;
    }
    alias.status = target.aggregated();
    alias.output = "All checks passing.";
    for (Check check : target.checks.values()) {
      if (check.status.equals(alias.status) && !alias.status.equals("passing")) {
        alias.output = "Aliased check \"%s\" failing: %s".formatted(check.name, check.output);
        return;
      }
    }
  }

  /** An update of a TTL check. Says whether there is such a check. */
  boolean updateTtl(String checkId, String status, String output) {
    return index.locked(() -> {
      for (ServiceInstance instance : instances.values()) {
        Check check = instance.checks.get(checkId);
        if (check != null && check.type.equals("ttl")) {
          if (check.ttl != null) {
            check.expires = settings.clock().instant().plus(check.ttl);
          }
          set(instance, check, status, output);
          return true;
        }
      }
      return false;
    });
  }

  /** Whether an instance has this very check still. */
  boolean has(String id, Check check) {
    return index.locked(() -> {
      ServiceInstance instance = instances.get(id);
      return instance != null && instance.checks.get(check.id) == check;
    });
  }

  /** What a look of the agent's found. Says whether the instance has this very check still. */
  boolean found(String id, Check check, String status, String output) {
    return index.locked(() -> {
      ServiceInstance instance = instances.get(id);
      if (instance == null || instance.checks.get(check.id) != check) {
        return false;
      }
      set(instance, check, status, output);
      return true;
    });
  }

  /** Switches maintenance mode. Says whether there is such an instance. */
  boolean maintenance(String id, boolean on, String reason) {
    return index.locked(() -> {
      ServiceInstance instance = instances.get(id);
      if (instance == null) {
        return false;
      }
      String checkId = "_service_maintenance:" + id;
      if (on && !instance.checks.containsKey(checkId)) {
        Check check =
            new Check(
                checkId, "Service Maintenance Mode", "maintenance", null, "critical", index.next());
        check.notes = reason;
        instance.checks.put(checkId, check);
        changed(instance, check.createIndex);
        followers(id);
      } else if (!on && instance.checks.remove(checkId) != null) {
        changed(instance, index.next());
        followers(id);
      }
      return true;
    });
  }

  private List<Check> nodeChecks() {
    return nodeMaintenance == null ? List.of(nodeCheck) : List.of(nodeMaintenance, nodeCheck);
  }

  /** Switches maintenance mode of the node, and so of everything on it. */
  void nodeMaintenance(boolean on, String reason) {
    index.locked(() -> {
      if (on == (nodeMaintenance != null)) {
        return;
      }
      long now = index.next();
      nodeMaintenance = null;
      if (on) {
        Check check =
            new Check(
                "_node_maintenance", "Node Maintenance Mode", "maintenance", null, "critical", now);
        check.notes = reason;
        nodeMaintenance = check;
      }
      instances.values().forEach(instance -> changed(instance, now));
    });
  }

  /** Turns TTL checks critical whose time is over. Called by everyone who looks. */
  public void expireTtls() {
    index.locked(() -> {
      Instant now = settings.clock().instant();
      for (ServiceInstance instance : instances.values()) {
        for (Check check : instance.checks.values()) {
          if (check.ttl != null && !now.isBefore(check.expires)) {
            check.expires = Instant.MAX;
            set(instance, check, "critical", "TTL expired");
          }
        }
      }
    });
  }

  /** How long until the next TTL check expires, in nanoseconds by the plane's clock. */
  public long ttlDueNanos() {
    return index.locked(() -> {
      Instant now = settings.clock().instant();
      return instances.values().stream()
          .flatMap(instance -> instance.checks.values().stream())
          .filter(check -> check.expires.isBefore(now.plus(Duration.ofHours(1))))
          .mapToLong(check -> Duration.between(now, check.expires).toNanos())
          .min()
          .orElse(Long.MAX_VALUE);
    });
  }

  /** The index that a watch of a service compares. */
  public long indexFor(String service) {
    return index.locked(() -> {
      expireTtls();
      Long own = changedAt.get(service);
      if (own != null) {
        return own;
      }
      // A service that never was shows when one last ended, else the index of the whole catalog.
      return lastExtinction > 0 ? lastExtinction : catalogIndex();
    });
  }

  /** The rows of a health query, of those instances that may be seen. */
  List<Object> health(
      String service, boolean connect, boolean passingOnly, Predicate<String> visible) {
    return index.locked(() -> {
      List<Object> rows = new ArrayList<>();
      for (ServiceInstance instance : shown(service, connect, visible)) {
        if (!passingOnly || (instance.passing() && nodeMaintenance == null)) {
          rows.add(row(instance));
        }
      }
      return rows;
    });
  }

  /** The rows of a catalog query, which knows no health. */
  List<Object> catalog(String service, boolean connect, Predicate<String> visible) {
    return index.locked(() -> {
      List<Object> rows = new ArrayList<>();
      shown(service, connect, visible)
          .forEach(instance -> rows.add(instance.catalogJson(nodeJson(), settings.old())));
      return rows;
    });
  }

  private List<ServiceInstance> shown(String service, boolean connect, Predicate<String> visible) {
    expireTtls();
    return instances.values().stream()
        .filter(one -> connect ? one.reaches(service) : one.name.equals(service))
        .filter(one -> visible.test(one.name))
        .toList();
  }

  /** The tags of each service. */
  Map<String, @Nullable Object> services(Predicate<String> visible) {
    return index.locked(() -> {
      Map<String, TreeSet<String>> all = new TreeMap<>();
      all.put("consul", new TreeSet<>());
      for (ServiceInstance instance : instances.values()) {
        TreeSet<String> tags = all.computeIfAbsent(instance.name, unused -> new TreeSet<>());
        instance.tags.forEach(tag -> tags.add(String.valueOf(tag)));
      }
      Map<String, @Nullable Object> shown = new LinkedHashMap<>();
      all.forEach((name, tags) -> {
        if (visible.test(name)) {
          shown.put(name, List.copyOf(tags));
        }
      });
      return shown;
    });
  }

  /** The latest write of any instance. */
  long catalogIndex() {
    return index.locked(() ->
        changedAt.values().stream().mapToLong(Long::longValue).max().orElse(nodeCheck.createIndex));
  }

  /** The name of the service that an instance is of. */
  Optional<String> serviceOf(String id) {
    return index.locked(() -> Optional.ofNullable(instances.get(id)).map(one -> one.name));
  }

  /** The name of the service that a check is of. */
  Optional<String> serviceOfCheck(String checkId) {
    return index.locked(() ->
        instances.values().stream()
            .filter(one -> one.checks.containsKey(checkId))
            .map(one -> one.name)
            .findFirst());
  }

  /** Every check, as {@code agent/checks} shows it. */
  Map<String, @Nullable Object> agentChecks(Predicate<String> visible) {
    return index.locked(() -> {
      expireTtls();
      Map<String, @Nullable Object> all = new TreeMap<>();
      for (ServiceInstance instance : instances.values()) {
        if (visible.test(instance.name)) {
          instance.checks.forEach(
              (id, check) -> all.put(id, instance.agentCheckJson(check, NODE, settings.old())));
        }
      }
      return all;
    });
  }

  /** The node, as every query shows it. */
  Map<String, @Nullable Object> nodeJson() {
    return index.locked(() ->
        Json.object(
            "ID",
            nodeId,
            "Node",
            NODE,
            "Address",
            NODE_ADDRESS,
            "Datacenter",
            settings.datacenter(),
            "TaggedAddresses",
            Json.object(
                "lan", NODE_ADDRESS,
                "lan_ipv4", NODE_ADDRESS,
                "wan", NODE_ADDRESS,
                "wan_ipv4", NODE_ADDRESS),
            "Meta",
            Json.object("consul-network-segment", ""),
            "CreateIndex",
            nodeCheck.createIndex,
            "ModifyIndex",
            nodeCheck.createIndex));
  }

  private Map<String, @Nullable Object> row(ServiceInstance instance) {
    boolean old = settings.old();
    Map<String, @Nullable Object> node = nodeJson();
    node.put("Datacenter", instance.datacenter);
    return Json.object(
        "Node", node,
        "Service", instance.healthJson(old),
        "Checks", instance.checksJson(NODE, old, nodeChecks()));
  }

  /** All instances, as {@code agent/services} shows them. */
  Map<String, @Nullable Object> agentServices(Predicate<String> visible) {
    return index.locked(() -> {
      Map<String, @Nullable Object> all = new LinkedHashMap<>();
      instances.forEach((id, one) -> {
        if (visible.test(one.name)) {
          all.put(id, one.agentJson(settings.old(), null));
        }
      });
      return all;
    });
  }

  /** One instance, as {@code agent/service/:id} shows it. */
  Optional<Map<String, @Nullable Object>> agentService(String id) {
    return index.locked(() -> {
      ServiceInstance instance = instances.get(id);
      if (instance == null) {
        return Optional.empty();
      }
      String content = Json.write(instance.agentJson(settings.old(), null));
      String hash = String.format("%016x", content.hashCode() * 0x9E3779B97F4A7C15L);
      return Optional.of(instance.agentJson(settings.old(), hash));
    });
  }

  /** The health of one instance, as {@code agent/health/service/id/:id} shows it. */
  Optional<Map<String, @Nullable Object>> agentHealth(String id) {
    return index.locked(() -> {
      expireTtls();
      return Optional.ofNullable(instances.get(id)).map(this::agentHealth);
    });
  }

  /** The health of every instance of a service, as {@code agent/health/service/name} shows it. */
  List<Map<String, @Nullable Object>> agentHealthOf(String service) {
    return index.locked(() -> {
      expireTtls();
      return instances.values().stream()
          .filter(one -> one.name.equals(service))
          .map(this::agentHealth)
          .toList();
    });
  }

  private Map<String, @Nullable Object> agentHealth(ServiceInstance one) {
    List<Object> checks = new ArrayList<>();
    one.checks
        .values()
        .forEach(check -> checks.add(one.agentHealthCheckJson(check, NODE, settings.old())));
    return Json.object(
        "AggregatedStatus", one.aggregated(),
        "Service", one.agentJson(settings.old(), null),
        "Checks", checks);
  }

  /** Counts low again; the instances stay. */
  public void restart() {
    index.locked(() -> {
      changedAt.clear();
      lastExtinction = 0;
      nodeCheck = newNodeCheck();
      for (ServiceInstance instance : instances.values()) {
        long now = index.next();
        instance.createIndex = now;
        instance.modifyIndex = now;
        instance.checks.values().forEach(check -> check.modifyIndex = now);
        changed(instance, now);
      }
    });
  }
}
