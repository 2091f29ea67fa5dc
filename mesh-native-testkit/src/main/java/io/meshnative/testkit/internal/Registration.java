package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ServiceInstance.Check;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The body of {@code agent/service/register}, read and checked as the agent does. */
final class Registration {
  private static final Set<String> FIELDS =
      Set.of(
          "ID",
          "Name",
          "Kind",
          "Tags",
          "Meta",
          "Port",
          "Address",
          "SocketPath",
          "TaggedAddresses",
          "Weights",
          "EnableTagOverride",
          "Connect",
          "Proxy",
          "Check",
          "Checks",
          "Token");
  private static final Set<String> CHECK_FIELDS =
      Set.of(
          "CheckID",
          "ID",
          "Name",
          "Notes",
          "Status",
          "TTL",
          "TCP",
          "HTTP",
          "GRPC",
          "Interval",
          "Timeout",
          "Method",
          "Header",
          "Body",
          "TLSSkipVerify",
          "GRPCUseTLS",
          "AliasService",
          "AliasNode",
          "SuccessBeforePassing",
          "FailuresBeforeCritical",
          "DeregisterCriticalServiceAfter");

  /** The agent makes longer ones of shorter intervals. */
  private static final Duration SHORTEST_INTERVAL = Duration.ofSeconds(1);

  /** Far oftener than Consul's ten seconds, so that a test need not wait for them. */
  private static final Duration SIDECAR_INTERVAL = Duration.ofMillis(500);

  private static final Duration LONGEST_LOOK = Duration.ofSeconds(10);

  /** The instance. */
  final ServiceInstance instance;

  /** Its checks, which are not yet put into it. */
  final List<Check> checks;

  private final JsonObject body;

  Registration(JsonObject body, CatalogState catalog, String datacenter) throws Json.MalformedJson {
    this.body = body;
    refuseUnknown(body, FIELDS);
    String name = body.text("Name");
    if (name.isEmpty()) {
      throw new ApiError(400, "Missing service name");
    }
    String id = body.text("ID").isEmpty() ? name : body.text("ID");
    JsonObject connect = body.object("Connect");
    refuseUnknown(connect, Set.of("Native", "SidecarService"));
    String kind = body.text("Kind");
    if (kind.equals("connect-proxy") && connect.flag("Native")) {
      throw new ApiError(
          400,
          "1 error occurred:\n\t* %s\n\n"
              .formatted("A Proxy cannot also be Connect Native, only typical services"));
    }
    instance =
        new ServiceInstance(
            id, name, kind, body.text("Address"), body.number("Port", 0), datacenter);
    instance.connectNative = connect.flag("Native");
    instance.socketPath = body.text("SocketPath");
    instance.tags = body.list("Tags");
    instance.meta = body.object("Meta").fields();
    instance.taggedAddresses = body.object("TaggedAddresses").fields();
    instance.proxy = body.object("Proxy").fields();
    instance.enableTagOverride = body.flag("EnableTagOverride");
    weights();
    checks = readChecks(body, id, name, catalog);
  }

  private void weights() throws Json.MalformedJson {
    if (body.has("Weights")) {
      JsonObject weights = body.object("Weights");
      instance.passingWeight = weights.number("Passing", 0);
      instance.warningWeight = weights.number("Warning", 0);
    }
    if (instance.passingWeight < 1) {
      throw new ApiError(400, "Invalid Weights: Passing must be greater than 0");
    }
  }

  private static List<Check> readChecks(
      JsonObject from, String id, String name, CatalogState catalog) throws Json.MalformedJson {
    List<Object> trees = new ArrayList<>();
    if (from.get("Check") instanceof Map<?, ?> single) {
      trees.add(single);
    }
    trees.addAll(from.list("Checks"));
    List<Check> all = new ArrayList<>();
    for (Object tree : trees) {
      JsonObject check = JsonObject.of(tree);
      refuseUnknown(check, CHECK_FIELDS);
      String suffix = trees.size() == 1 ? "" : ":" + (all.size() + 1);
      String given = check.text("CheckID").isEmpty() ? check.text("ID") : check.text("CheckID");
      all.add(
          check(
              check,
              given.isEmpty() ? "service:" + id + suffix : given,
              check.text("Name").isEmpty() ? "Service '" + name + "' check" : check.text("Name"),
              catalog.nextIndex()));
    }
    return all;
  }

  private static Check check(JsonObject check, String id, String name, long index)
      throws Json.MalformedJson {
    Duration ttl = duration(check, "TTL", null);
    String type = ttl == null ? "tcp" : "ttl";
    for (String kind : List.of("HTTP", "GRPC")) {
      type = check.text(kind).isEmpty() ? type : kind.toLowerCase(Locale.ROOT);
    }
    String alias = check.text("AliasService");
    type = alias.isEmpty() ? type : "alias";
    Probe probe = ttl == null && alias.isEmpty() ? probe(check, type) : null;
    // What nobody looks at is taken to be well.
    String status = ttl == null && probe == null ? "passing" : "critical";
    Check made =
        new Check(id, name, type, ttl, check.has("Status") ? check.text("Status") : status, index);
    made.notes = check.text("Notes");
    made.aliasOf = alias;
    made.probe = probe;
    Duration interval = duration(check, "Interval", made.interval);
    if (interval != null) {
      made.interval = interval.compareTo(SHORTEST_INTERVAL) < 0 ? SHORTEST_INTERVAL : interval;
    }
    return made;
  }

  private static @Nullable Probe probe(JsonObject check, String type) throws Json.MalformedJson {
    Duration given = duration(check, "Timeout", LONGEST_LOOK);
    Duration timeout = given == null ? LONGEST_LOOK : given;
    boolean trustsAnyone = check.flag("TLSSkipVerify");
    return switch (type) {
      case "http" ->
          Probe.Http.of(
              check.text("HTTP"),
              check.text("Method").isEmpty() ? "GET" : check.text("Method"),
              headers(check.object("Header")),
              check.text("Body"),
              trustsAnyone,
              timeout);
      case "grpc" ->
          Probe.Grpc.of(check.text("GRPC"), check.flag("GRPCUseTLS"), trustsAnyone, timeout);
      default -> check.text("TCP").isEmpty() ? null : new Probe.Tcp(check.text("TCP"), timeout);
    };
  }

  private static Map<String, List<String>> headers(JsonObject header) {
    Map<String, List<String>> all = new LinkedHashMap<>();
    header
        .fields()
        .forEach((name, values) ->
            all.put(
                name,
                values instanceof List<?> list
                    ? list.stream().map(String::valueOf).toList()
                    : List.of()));
    return all;
  }

  private static @Nullable Duration duration(
      JsonObject check, String field, @Nullable Duration otherwise) {
    String text = check.text(field);
    if (text.isEmpty()) {
      return otherwise;
    }
    return GoDuration.parse(text)
        .orElseThrow(() ->
            new ApiError(400, "Request decode failed: time: invalid duration \"" + text + "\""));
  }

  /** The proxy that {@code Connect.SidecarService} asks for, or null. */
  @Nullable ServiceInstance sidecar(int freePort) throws Json.MalformedJson {
    JsonObject connect = body.object("Connect");
    if (!connect.has("SidecarService")) {
      return null;
    }
    JsonObject wanted = connect.object("SidecarService");
    ServiceInstance proxy =
        new ServiceInstance(
            instance.id + "-sidecar-proxy",
            instance.name + "-sidecar-proxy",
            "connect-proxy",
            wanted.text("Address").isEmpty() ? instance.address : wanted.text("Address"),
            wanted.number("Port", freePort),
            instance.datacenter);
    Map<String, @Nullable Object> target = new LinkedHashMap<>();
    target.put("DestinationServiceName", instance.name);
    target.put("DestinationServiceID", instance.id);
    target.put("LocalServiceAddress", "127.0.0.1");
    target.put("LocalServicePort", instance.port);
    target.putAll(wanted.object("Proxy").fields());
    proxy.proxy = target;
    // What the sidecar does not say of itself it has of its service.
    proxy.meta = wanted.has("Meta") ? wanted.object("Meta").fields() : instance.meta;
    proxy.tags = wanted.has("Tags") ? wanted.list("Tags") : instance.tags;
    return proxy;
  }

  /** The checks of a sidecar: those asked for, else that it listens and how its service is. */
  List<Check> sidecarChecks(ServiceInstance proxy, CatalogState catalog) throws Json.MalformedJson {
    JsonObject wanted = body.object("Connect").object("SidecarService");
    if (wanted.has("Check") || wanted.has("Checks")) {
      return readChecks(wanted, proxy.id, proxy.name, catalog);
    }
    Check listening =
        new Check(
            "service:" + proxy.id + ":1",
            "Connect Sidecar Listening",
            "tcp",
            null,
            "critical",
            catalog.nextIndex());
    String host = proxy.address.isEmpty() ? "127.0.0.1" : proxy.address;
    listening.probe = new Probe.Tcp(host + ":" + proxy.port, SIDECAR_INTERVAL);
    listening.interval = SIDECAR_INTERVAL;
    Check alias =
        new Check(
            "service:" + proxy.id + ":2",
            "Connect Sidecar Aliasing " + instance.id,
            "alias",
            null,
            "passing",
            catalog.nextIndex());
    alias.aliasOf = instance.id;
    return List.of(listening, alias);
  }

  private static void refuseUnknown(JsonObject object, Set<String> known) {
    String unknown = object.unknownBut(known);
    if (unknown != null) {
      throw new ApiError(400, "Request decode failed: json: unknown field \"" + unknown + "\"");
    }
  }
}
