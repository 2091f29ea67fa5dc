package io.meshnative.testkit.internal;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Prepared queries as far as mesh clients use them: one service, executed by name or id. */
final class QueryEndpoint implements Endpoint {
  private record Query(String id, String name, String service, boolean onlyPassing) {}

  private final Plane plane;
  private final Map<String, Query> queries = new ConcurrentHashMap<>();

  QueryEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) {
    if (request.path().equals("/v1/query")) {
      Plane.allowOnly(request, "POST");
      return create(request);
    }
    if (request.path().startsWith("/v1/query/") && request.segment(3).equals("execute")) {
      Plane.allowOnly(request, "GET");
      return execute(request, request.segment(2));
    }
    return null;
  }

  private ApiResponse create(ApiRequest request) {
    Rights unused = plane.rights(request);
    JsonObject body = AclEndpoint.body(request);
    JsonObject service = ConfigEntries.child(body, "Service");
    if (service.text("Service").isEmpty()) {
      throw new ApiError(500, "Must provide a Service name to query");
    }
    String id = UUID.randomUUID().toString();
    queries.put(
        id, new Query(id, body.text("Name"), service.text("Service"), service.flag("OnlyPassing")));
    return ApiResponse.json(Json.object("ID", id));
  }

  private ApiResponse execute(ApiRequest request, String idOrName) {
    plane.permit(request, rights -> true);
    Rights rights = plane.rights(request);
    Query query =
        queries.values().stream()
            .filter(one -> one.id().equals(idOrName) || one.name().equals(idOrName))
            .findFirst()
            .orElseThrow(() -> new ApiError(404, "Query not found"));
    List<Object> nodes =
        plane.catalog.health(
            query.service(),
            request.flag("connect"),
            query.onlyPassing(),
            name -> rights.serviceRead(name) && rights.nodeRead(CatalogState.NODE));
    nodes.forEach(QueryEndpoint::withoutEmptyTags);
    Map<String, @Nullable Object> body =
        Json.object(
            "Service",
            query.service(),
            "Nodes",
            nodes,
            "DNS",
            Json.object("TTL", ""),
            "Datacenter",
            plane.settings.datacenter(),
            "Failovers",
            0,
            "Index",
            0,
            "LastContact",
            0,
            "KnownLeader",
            true,
            "ConsistencyLevel",
            "leader");
    if (!plane.settings.old()) {
      body.put("NotModified", false);
      body.put("Backend", 0);
    }
    ApiResponse response = ApiResponse.json(body);
    Plane.consistency(request, response);
    // Prepared queries never block, and show no true index (f.2).
    return plane.query(response, 1, true, "blocking-query");
  }

  /** Other answers show that there are no tags by an empty list, this one by null. */
  @SuppressWarnings("unchecked") // made by the catalog
  private static void withoutEmptyTags(Object row) {
    Map<String, @Nullable Object> map = (Map<String, @Nullable Object>) row;
    if (map.get("Service") instanceof Map<?, ?> service) {
      ((Map<String, @Nullable Object>) service).replace("Tags", List.of(), null);
    }
    if (map.get("Checks") instanceof List<?> checks) {
      for (Object check : checks) {
        ((Map<String, @Nullable Object>) check).replace("ServiceTags", List.of(), null);
      }
    }
  }
}
