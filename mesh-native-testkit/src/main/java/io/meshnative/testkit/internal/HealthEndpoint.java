package io.meshnative.testkit.internal;

import org.jspecify.annotations.Nullable;

/** Discovery: which instances there are, and how they are. */
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
}
