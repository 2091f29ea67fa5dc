package io.meshnative.testkit.internal;

import java.util.List;
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
    boolean cached = request.flag("cached");
    // 1.10 streams what blocks or is cached, and then knows no leader (b.3, b.4).
    boolean streaming = plane.settings.streaming() && (request.index() > 0 || cached);
    requireKnownToken(request, streaming);
    FilterExpression filter = filter(request);
    Rights rights = plane.rights(request);
    // Who may not see a service learns nothing of it, and does not even wait (0.6).
    boolean blind = connect && !streaming && !rights.serviceRead(service);
    if (!blind) {
      plane.block(request, () -> plane.catalog.indexFor(service), plane.catalog::ttlDueNanos);
    }
    return plane.snapshot(() -> {
      List<Object> rows =
          plane.catalog.health(
              service,
              connect,
              request.flag("passing"),
              name -> rights.serviceRead(name) && rights.nodeRead(CatalogState.NODE));
      // The one node has no meta data that anybody could ask for.
      boolean elsewhere = request.has("node-meta");
      ApiResponse response =
          ApiResponse.json(elsewhere ? List.of() : rows.stream().filter(filter).toList());
      // A stream that somebody watches fills the cache for those who only look (b.4).
      boolean warm = (cached || streaming) && plane.cache.had(request);
      if (cached) {
        response.cache(warm);
      }
      Plane.consistency(request, response);
      return plane.query(
          response,
          blind ? 1 : plane.catalog.indexFor(service),
          !streaming && !blind,
          streaming ? "streaming" : "blocking-query");
    });
  }

  private void requireKnownToken(ApiRequest request, boolean streaming) {
    try {
      Rights unused = plane.rights(request);
    } catch (ApiError e) {
      // A stream hands through what gRPC made of the error (h).
      throw streaming
          ? new ApiError(e.status, "rpc error: code = Unknown desc = " + e.getMessage())
          : refusal(e);
    }
  }

  private FilterExpression filter(ApiRequest request) {
    try {
      return FilterExpression.parse(request.parameter("filter"));
    } catch (ApiError e) {
      throw refusal(e);
    }
  }

  /** 1.8 sends the headers of a query with its refusals, later releases do not. */
  private ApiError refusal(ApiError error) {
    return plane.settings.old() ? error.asQuery() : error;
  }
}
