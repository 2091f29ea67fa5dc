package io.meshnative.testkit.internal;

import org.jspecify.annotations.Nullable;

/** Discovery: instances, and the discovery chain, which is always the default one. */
final class HealthEndpoint implements Endpoint {
  private final Plane plane;

  HealthEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    String path = request.path();
    if (path.startsWith("/v1/health/connect/")) {
      Plane.allowOnly(request, "GET");
      return health(request, true);
    }
    if (path.startsWith("/v1/health/service/")) {
      Plane.allowOnly(request, "GET");
      return health(request, false);
    }
    if (path.startsWith("/v1/discovery-chain/")) {
      Plane.allowOnly(request, "GET", "POST");
      return chain(request);
    }
    return null;
  }

  private ApiResponse health(ApiRequest request, boolean connect) throws InterruptedException {
    String service = request.segment(3);
    if (service.isEmpty()) {
      throw ApiError.badRequest("Missing service name");
    }
    plane.block(request, () -> plane.catalog.indexFor(service), plane.catalog::ttlDueNanos);
    // 1.10 streams what blocks or is cached, and then knows no leader (b.3, b.4).
    boolean cached = request.flag("cached");
    boolean streaming = !plane.settings.old() && (request.index() > 0 || cached);
    return plane.snapshot(() -> {
      ApiResponse response =
          ApiResponse.json(plane.catalog.health(service, connect, request.flag("passing")));
      if (cached) {
        response.cache(request.index() == 0);
      }
      Plane.consistency(request, response);
      return plane.query(
          response,
          plane.catalog.indexFor(service),
          !streaming,
          streaming ? "streaming" : "blocking-query");
    });
  }

  private ApiResponse chain(ApiRequest request) throws InterruptedException {
    String service = request.segment(2);
    if (service.isEmpty()) {
      throw ApiError.badRequest("Missing chain name");
    }
    String compileDc = request.parameter("compile-dc");
    String datacenter = compileDc.isEmpty() ? plane.settings.datacenter() : compileDc;
    // Woken by any write of any config entry, intentions included (l.3).
    plane.block(request, plane.intentions::tableIndex, Plane::neverDue);
    String id = service + ".default." + datacenter;
    String name = id + ".internal." + plane.ca.trustDomain();
    Object resolver = Json.object("ConnectTimeout", "5s", "Default", true, "Target", id);
    Object node = Json.object("Type", "resolver", "Name", id, "Resolver", resolver);
    Object target =
        Json.object(
            "ID", id,
            "Service", service,
            "Namespace", "default",
            "Datacenter", datacenter,
            "MeshGateway", Json.object(),
            "Subset", Json.object(),
            "SNI", name,
            "Name", name);
    Object chain =
        Json.object(
            "ServiceName",
            service,
            "Namespace",
            "default",
            "Datacenter",
            datacenter,
            "Protocol",
            "tcp",
            "StartNode",
            "resolver:" + id,
            "Nodes",
            Json.object("resolver:" + id, node),
            "Targets",
            Json.object(id, target));
    ApiResponse response = ApiResponse.json(Json.object("Chain", chain));
    Plane.consistency(request, response);
    return plane.query(response, plane.intentions.tableIndex(), true, "blocking-query");
  }
}
