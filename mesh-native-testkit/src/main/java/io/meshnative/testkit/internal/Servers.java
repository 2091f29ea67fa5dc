package io.meshnative.testkit.internal;

import java.util.List;

/**
 * The servers behind the agent, as far as it matters whether they can be asked: with no leader, or
 * with the agent's limit of calls used up, only what the agent knows by itself is answered.
 */
final class Servers {
  private static final String LEAF = "/v1/agent/connect/ca/leaf/";
  private static final String ROOTS = "/v1/agent/connect/ca/roots";

  /** The queries whose refusals carry the headers of a query in both releases. */
  private static final List<String> QUERIES =
      List.of("/v1/health/", "/v1/discovery-chain/", "/v1/catalog/");

  private final Plane plane;

  Servers(Plane plane) {
    this.plane = plane;
  }

  /**
   * Asks whether a request can be answered.
   *
   * @throws ApiError 500 without a leader, 429 beyond the limit
   */
  void require(ApiRequest request) {
    FaultSwitches faults = plane.faults;
    if (!(faults.leaderless || faults.rateLimited) || isTheAgents(request)) {
      return;
    }
    ApiError error =
        faults.leaderless ? new ApiError(500, "No cluster leader") : new ApiError(429, "");
    boolean match = !plane.settings.old() && request.path().endsWith("/intentions/match");
    throw match || QUERIES.stream().anyMatch(request.path()::startsWith) ? error.asQuery() : error;
  }

  private boolean isTheAgents(ApiRequest request) {
    String path = request.path();
    if (path.startsWith(LEAF)) {
      return request.index() == 0 && plane.ca.hasLeaf(request.segment(5), request.token());
    }
    if (path.equals(ROOTS)) {
      return request.index() == 0 && plane.cache.has(request);
    }
    return path.startsWith("/v1/status/")
        || (path.startsWith("/v1/agent/") && !path.startsWith("/v1/agent/connect/"));
  }
}
