package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ServiceInstance.Check;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What an agent says of itself, and the registrations that are made with it. */
final class AgentEndpoint implements Endpoint {
  private static final int FIRST_SIDECAR_PORT = 21_000;
  private static final int LONGEST_OUTPUT = 4096;

  private final Plane plane;

  AgentEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    return switch (request.path()) {
      case "/v1/agent/self" -> {
        Plane.allowOnly(request, "GET");
        Rights.require(plane.rights(request).agentRead(CatalogState.NODE));
        yield self();
      }
      case "/v1/status/leader" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(plane.faults.leaderless ? "" : "127.0.0.1:8300");
      }
      case "/v1/status/peers" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(List.of("127.0.0.1:8300"));
      }
      case "/v1/agent/services" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(plane.catalog.agentServices(plane.rights(request)::serviceRead));
      }
      case "/v1/agent/members" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(
            plane.rights(request).nodeRead(CatalogState.NODE) ? List.of(member()) : List.of());
      }
      case "/v1/agent/checks" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(plane.catalog.agentChecks(plane.rights(request)::serviceRead));
      }
      case "/v1/agent/maintenance" -> {
        Plane.allowOnly(request, "PUT");
        boolean enable = enable(request);
        Rights.require(plane.rights(request).nodeWrite(CatalogState.NODE));
        plane.catalog.nodeMaintenance(enable, request.parameter("reason"));
        yield ApiResponse.empty();
      }
      case "/v1/agent/service/register" -> {
        Plane.allowOnly(request, "PUT");
        yield register(request);
      }
      default -> answerWithId(request);
    };
  }

  private @Nullable ApiResponse answerWithId(ApiRequest request) throws InterruptedException {
    String path = request.path();
    if (path.startsWith("/v1/agent/service/deregister/")) {
      Plane.allowOnly(request, "PUT");
      requireWriteOn(request, request.segment(4));
      plane.catalog.deregister(request.segment(4));
      return ApiResponse.empty();
    }
    if (path.startsWith("/v1/agent/service/maintenance/")) {
      Plane.allowOnly(request, "PUT");
      return maintenance(request);
    }
    if (path.startsWith("/v1/agent/service/")) {
      Plane.allowOnly(request, "GET");
      return service(request, request.segment(3));
    }
    if (path.startsWith("/v1/agent/check/")) {
      Plane.allowOnly(request, "PUT");
      return check(request);
    }
    if (path.startsWith("/v1/agent/health/service/id/")) {
      Plane.allowOnly(request, "GET");
      return health(request, request.segment(5));
    }
    if (path.startsWith("/v1/agent/health/service/name/")) {
      Plane.allowOnly(request, "GET");
      return healthOf(request, request.segment(5));
    }
    return null;
  }

  /** With ACLs off an unknown id is nobody's, and that is fine; with ACLs on it is an error (g). */
  private void requireWriteOn(ApiRequest request, String id) {
    Rights rights = plane.rights(request);
    Optional<String> service = plane.catalog.serviceOf(id);
    service.ifPresent(rights::requireServiceWrite);
    if (service.isEmpty() && plane.acl.enabled()) {
      throw new ApiError(500, "Unknown service \"" + id + "\"");
    }
  }

  private ApiResponse self() {
    PlaneSettings settings = plane.settings;
    boolean allow = plane.defaultAllow();
    String version = settings.version().text();
    return ApiResponse.json(
        Json.object(
            "Config",
            config(),
            "DebugConfig",
            Json.object(
                "ACLDefaultPolicy",
                plane.configuredPolicy(),
                "ACLsEnabled",
                plane.acl.enabled() || !allow,
                "ACLDownPolicy",
                "extend-cache",
                "ConnectEnabled",
                true,
                "Datacenter",
                settings.datacenter(),
                "EnableUI",
                true,
                "GRPCPort",
                8502,
                "HTTPPort",
                settings.port(),
                "HTTPSPort",
                -1,
                "PrimaryDatacenter",
                settings.datacenter(),
                "Version",
                version),
            "Coord",
            null,
            "Member",
            member(),
            "Stats",
            Json.object("agent", Json.object(), "consul", Json.object("server", "true")),
            "Meta",
            Json.object("consul-network-segment", ""),
            "xDS",
            Json.object(
                "SupportedProxies",
                Json.object(
                    "envoy",
                    settings.old()
                        ? List.of("1.14.5", "1.13.6", "1.12.7", "1.11.2")
                        : List.of("1.18.4", "1.17.4", "1.16.5", "1.15.5")))));
  }

  private Map<String, @Nullable Object> config() {
    PlaneSettings settings = plane.settings;
    Map<String, @Nullable Object> config =
        Json.object(
            "Datacenter",
            settings.datacenter(),
            "NodeName",
            CatalogState.NODE,
            "NodeID",
            plane.catalog.nodeId(),
            "Revision",
            "",
            "Server",
            true,
            "Version",
            settings.version().text());
    if (!settings.old()) {
      config.put("PrimaryDatacenter", settings.datacenter());
    }
    return config;
  }

  private Map<String, @Nullable Object> member() {
    Object tags =
        Json.object(
            "acls",
            plane.acl.enabled() ? "1" : "0",
            "build",
            plane.settings.version().text() + ":",
            "dc",
            plane.settings.datacenter(),
            "ft_fs",
            "1",
            "id",
            plane.catalog.nodeId(),
            "port",
            "8300",
            "raft_vsn",
            "3",
            "role",
            "consul",
            "segment",
            "",
            "vsn",
            "2",
            "vsn_max",
            "3",
            "vsn_min",
            "2",
            "wan_join_port",
            "8302");
    return Json.object(
        "Name",
        CatalogState.NODE,
        "Addr",
        CatalogState.NODE_ADDRESS,
        "Port",
        8301,
        "Tags",
        tags,
        "Status",
        1,
        "ProtocolMin",
        1,
        "ProtocolMax",
        5,
        "ProtocolCur",
        2,
        "DelegateMin",
        2,
        "DelegateMax",
        5,
        "DelegateCur",
        4);
  }

  private ApiResponse register(ApiRequest request) {
    try {
      JsonObject body = JsonObject.parse(request.body());
      Registration wanted = new Registration(body, plane.catalog, plane.settings.datacenter());
      Rights rights = plane.rights(request);
      rights.requireServiceWrite(wanted.instance.name);
      plane.catalog.serviceOf(wanted.instance.id).ifPresent(rights::requireServiceWrite);
      boolean replace = request.flag("replace-existing-checks");
      plane.catalog.register(wanted.instance, wanted.checks, replace);
      plane.checks.begin(wanted.instance.id, wanted.checks);
      ServiceInstance sidecar = wanted.sidecar(FIRST_SIDECAR_PORT);
      if (sidecar != null) {
        List<Check> checks = wanted.sidecarChecks(sidecar, plane.catalog);
        plane.catalog.register(sidecar, checks, replace);
        plane.checks.begin(sidecar.id, checks);
      }
      return ApiResponse.empty();
    } catch (Json.MalformedJson e) {
      throw new ApiError(400, "Request decode failed: " + e.getMessage());
    }
  }

  /** Blocks on the hash of the content, where others block on an index (b.2). */
  private ApiResponse service(ApiRequest request, String id) throws InterruptedException {
    Rights rights = plane.rights(request);
    plane.catalog.serviceOf(id).ifPresent(name -> Rights.require(rights.serviceRead(name)));
    String hash = request.parameter("hash");
    if (!hash.isEmpty()) {
      plane.await(
          request,
          () ->
              !plane
                  .catalog
                  .agentService(id)
                  .map(json -> String.valueOf(json.get("ContentHash")))
                  .orElse("")
                  .equals(hash));
    }
    Map<String, @Nullable Object> json =
        plane
            .catalog
            .agentService(id)
            .orElseThrow(() -> new ApiError(404, "unknown service ID: " + id));
    return ApiResponse.json(json)
        .header("X-Consul-Contenthash", String.valueOf(json.get("ContentHash")));
  }

  private ApiResponse maintenance(ApiRequest request) {
    String id = request.segment(4);
    requireEnable(request);
    requireWriteOn(request, id);
    boolean enable = enable(request);
    if (!plane.catalog.maintenance(id, enable, request.parameter("reason"))) {
      throw new ApiError(404, "No service registered with ID \"" + id + "\"");
    }
    return ApiResponse.empty();
  }

  private static void requireEnable(ApiRequest request) {
    if (!request.has("enable")) {
      throw new ApiError(400, "Missing value for enable");
    }
  }

  private static boolean enable(ApiRequest request) {
    requireEnable(request);
    String wanted = request.parameter("enable");
    if (!Set.of("true", "false", "1", "0", "t", "f").contains(wanted)) {
      throw new ApiError(400, "Invalid value for enable: \"" + wanted + "\"");
    }
    return Set.of("true", "1", "t").contains(wanted);
  }

  private ApiResponse check(ApiRequest request) {
    String id = request.segment(4);
    Rights rights = plane.rights(request);
    Optional<String> service = plane.catalog.serviceOfCheck(id);
    service.ifPresent(rights::requireServiceWrite);
    if (service.isEmpty() && plane.acl.enabled()) {
      throw new ApiError(500, "Unknown check \"" + id + "\"");
    }
    String status;
    String output = request.parameter("note");
    switch (request.segment(3)) {
      case "pass" -> status = "passing";
      case "warn" -> status = "warning";
      case "fail" -> status = "critical";
      case "update" -> {
        JsonObject body = updateBody(request.body());
        status = body.text("Status");
        output = body.text("Output");
      }
      default -> throw new ApiError(404, "");
    }
    if (!Set.of("passing", "warning", "critical").contains(status)) {
      throw new ApiError(400, "Invalid check status: '" + status + "'");
    }
    // The agent cuts outputs so that a chatty check does not flood the cluster.
    String cut =
        output.length() <= LONGEST_OUTPUT
            ? output
            : "%s ... (captured %d of %d bytes)"
                .formatted(output.substring(0, LONGEST_OUTPUT), LONGEST_OUTPUT, output.length());
    if (!plane.catalog.updateTtl(id, status, cut)) {
      throw new ApiError(500, "CheckID \"" + id + "\" does not have associated TTL");
    }
    return ApiResponse.empty();
  }

  private static JsonObject updateBody(String text) {
    try {
      JsonObject body = JsonObject.parse(text);
      String unknown = body.unknownBut(Set.of("Status", "Output"));
      if (unknown != null) {
        throw new ApiError(400, "Request decode failed: json: unknown field \"" + unknown + "\"");
      }
      return body;
    } catch (Json.MalformedJson e) {
      throw new ApiError(400, "Request decode failed: " + e.getMessage());
    }
  }

  /** A service's health by the status of the answer: 200, 429 for a warning, 503. */
  private ApiResponse health(ApiRequest request, String id) {
    Rights rights = plane.rights(request);
    plane.catalog.serviceOf(id).ifPresent(name -> Rights.require(rights.serviceRead(name)));
    Map<String, @Nullable Object> health = plane.catalog.agentHealth(id).orElse(null);
    if (health == null) {
      return ApiResponse.json(
              404, Json.object("AggregatedStatus", "critical", "Service", null, "Checks", null))
          .header("X-Consul-Reason", "ServiceId " + id + " not found");
    }
    String status = String.valueOf(health.get("AggregatedStatus"));
    return ApiResponse.json(code(status), health).header("X-Consul-Reason", status);
  }

  private static int code(String status) {
    return status.equals("passing") ? 200 : status.equals("warning") ? 429 : 503;
  }

  /** The health of all instances of a service; the worst one gives the status of the answer. */
  private ApiResponse healthOf(ApiRequest request, String service) {
    Rights.require(plane.rights(request).serviceRead(service));
    List<Map<String, @Nullable Object>> all = plane.catalog.agentHealthOf(service);
    if (all.isEmpty()) {
      throw new ApiError(404, "ServiceName " + service + " Not Found");
    }
    String worst =
        all.stream()
            .map(one -> String.valueOf(one.get("AggregatedStatus")))
            .max(java.util.Comparator.comparingInt(AgentEndpoint::code))
            .orElse("passing");
    return ApiResponse.json(code(worst), all).header("X-Consul-Reason", worst);
  }
}
