package io.meshnative.testkit.internal;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The discovery chain of a service, compiled anew for each answer. */
final class ChainEndpoint implements Endpoint {
  private static final String BASE = "/v1/discovery-chain/";

  private final Plane plane;

  ChainEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    if (!request.path().startsWith(BASE)) {
      return null;
    }
    Plane.allowOnly(request, "GET", "POST");
    String service = request.segment(2);
    if (service.isEmpty()) {
      throw ApiError.badRequest("Missing chain name");
    }
    plane.permit(request, rights -> rights.serviceRead(service));
    String compileDc = request.parameter("compile-dc");
    String local = plane.settings.datacenter();
    ChainCompiler.Overrides overrides = overrides(request);
    // Woken by any write of any config entry, intentions included (l.3).
    plane.block(request, plane::configIndex, Plane::neverDue);
    return plane.snapshot(() -> {
      Map<String, @Nullable Object> chain =
          new ChainCompiler(
                  plane.config.entries(),
                  service,
                  plane.ca.trustDomain(),
                  local,
                  compileDc.isEmpty() ? local : compileDc,
                  overrides)
              .compile();
      ApiResponse response = ApiResponse.json(Json.object("Chain", chain));
      if (request.flag("cached")) {
        response.cache(plane.cache.had(request));
      }
      Plane.consistency(request, response);
      return plane.query(response, plane.configIndex(), true, "blocking-query");
    });
  }

  private static ChainCompiler.Overrides overrides(ApiRequest request) {
    if (!request.method().equals("POST") || request.body().isBlank()) {
      return ChainCompiler.Overrides.NONE;
    }
    try {
      JsonObject body = JsonObject.parse(request.body());
      String timeout = body.text("OverrideConnectTimeout");
      Duration parsed =
          timeout.isEmpty()
              ? null
              : GoDuration.parse(timeout)
                  .orElseThrow(() ->
                      ApiError.badRequest(
                          "Request decoding failed: 1 error(s) decoding:\n\n* error decoding"
                              + " 'OverrideConnectTimeout': time: invalid duration \""
                              + timeout
                              + "\""));
      return new ChainCompiler.Overrides(
          parsed, body.text("OverrideProtocol"), body.object("OverrideMeshGateway").text("Mode"));
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
  }
}
