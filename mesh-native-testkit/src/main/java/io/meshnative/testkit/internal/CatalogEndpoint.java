package io.meshnative.testkit.internal;

import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The catalog: datacenters, nodes, services and their instances, without health. */
final class CatalogEndpoint implements Endpoint {
  private final Plane plane;

  CatalogEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    if (!request.path().startsWith("/v1/catalog/")) {
      return null;
    }
    String name = request.segment(3);
    return switch (request.segment(2)) {
      case "datacenters" -> {
        Plane.allowOnly(request, "GET");
        yield ApiResponse.json(List.of(plane.settings.datacenter()));
      }
      case "nodes" -> {
        Rights rights = permitted(request);
        yield query(
            request,
            plane.catalog::catalogIndex,
            () -> rights.nodeRead(CatalogState.NODE) ? filtered(request) : List.of());
      }
      case "services" -> {
        Rights rights = permitted(request);
        yield query(
            request,
            plane.catalog::catalogIndex,
            () -> plane.catalog.services(rights::serviceRead));
      }
      case "service", "connect" -> {
        Rights rights = permitted(request);
        Predicate<String> visible = visible(rights);
        if (name.isEmpty()) {
          throw ApiError.badRequest("Missing service name");
        }
        boolean connect = request.segment(2).equals("connect");
        if (connect && !rights.serviceRead(name)) {
          // Who may not see the service is told nothing and waits for nothing, as with health.
          yield plane.query(
              Plane.consistency(request, ApiResponse.json(List.of())), 1, false, "blocking-query");
        }
        yield query(
            request,
            () -> plane.catalog.indexFor(name),
            () -> plane.catalog.catalog(name, connect, visible));
      }
      default -> null;
    };
  }

  private Rights permitted(ApiRequest request) {
    Plane.allowOnly(request, "GET");
    plane.permit(request, rights -> true);
    return plane.rights(request);
  }

  private static Predicate<String> visible(Rights rights) {
    return name -> rights.serviceRead(name) && rights.nodeRead(CatalogState.NODE);
  }

  /** The one node, unless {@code node-meta} asks for something that it has not. */
  private List<Object> filtered(ApiRequest request) {
    return request.has("node-meta") ? List.of() : List.of(plane.catalog.nodeJson());
  }

  private ApiResponse query(ApiRequest request, LongSupplier index, Supplier<Object> body)
      throws InterruptedException {
    plane.block(request, index, plane.catalog::ttlDueNanos);
    return plane.snapshot(() -> {
      ApiResponse response = ApiResponse.json(body.get());
      Plane.consistency(request, response);
      return plane.query(response, index.getAsLong(), true, "blocking-query");
    });
  }
}
