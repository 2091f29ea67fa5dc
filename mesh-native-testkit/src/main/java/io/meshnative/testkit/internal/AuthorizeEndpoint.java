package io.meshnative.testkit.internal;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** {@code authorize} and {@code intentions/check}: may this one reach that one? */
final class AuthorizeEndpoint implements Endpoint {
  private static final Set<String> FIELDS = Set.of("Target", "ClientCertURI", "ClientCertSerial");

  private final Plane plane;
  private final Set<String> warm = ConcurrentHashMap.newKeySet();

  AuthorizeEndpoint(Plane plane) {
    this.plane = plane;
  }

  private record Verdict(boolean allowed, String reason) {}

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) {
    return switch (request.path()) {
      case "/v1/agent/connect/authorize" -> {
        Plane.allowOnly(request, "POST");
        yield authorize(request);
      }
      case "/v1/connect/intentions/check" -> {
        Plane.allowOnly(request, "GET");
        yield check(request);
      }
      default -> null;
    };
  }

  private ApiResponse authorize(ApiRequest request) {
    JsonObject body;
    try {
      body = JsonObject.parse(request.body());
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decode failed: " + e.getMessage());
    }
    String unknown = body.unknownBut(FIELDS);
    if (unknown != null) {
      throw ApiError.badRequest("Request decode failed: json: unknown field \"" + unknown + "\"");
    }
    String target = body.text("Target");
    if (target.isEmpty()) {
      throw ApiError.badRequest("Target service must be specified");
    }
    Rights rights = plane.rights(request);
    Rights.require(rights.serviceWrite(target) && rights.intentionRead(target));
    SpiffeUri client = SpiffeUri.ofService(body.text("ClientCertURI"));
    Verdict verdict = decide(client.namespace(), client.service(), target);
    return ApiResponse.json(
            Json.object("Authorized", verdict.allowed(), "Reason", verdict.reason()))
        .cache(!warm.add(target + "\0" + request.token()));
  }

  private ApiResponse check(ApiRequest request) {
    for (String name : List.of("source", "destination")) {
      if (!request.has(name)) {
        throw new ApiError(500, "required query parameter '" + name + "' not set");
      }
    }
    String type = request.parameter("source-type");
    if (!type.isEmpty() && !type.equals("consul")) {
      throw new ApiError(500, "unsupported SourceType: \"" + type + "\"");
    }
    Rights.require(plane.rights(request).serviceRead(request.parameter("destination")));
    Verdict verdict =
        decide("default", request.parameter("source"), request.parameter("destination"));
    return ApiResponse.json(Json.object("Allowed", verdict.allowed()));
  }

  private Verdict decide(String namespace, String source, String target) {
    // Another namespace is matched by nothing here, since every intention is in the default one.
    Optional<IntentionRule> rule =
        namespace.equals("default") ? plane.intentions.deciding(source, target) : Optional.empty();
    if (rule.isEmpty()) {
      boolean allow = plane.defaultAllow();
      return allow && !plane.acl.enabled()
          ? new Verdict(true, "ACLs disabled, access is allowed by default")
          : new Verdict(allow, "Default behavior configured by ACLs");
    }
    return matched(rule.get());
  }

  private Verdict matched(IntentionRule rule) {
    String pair = "default/" + rule.source() + " => default/" + rule.destination();
    List<?> permissions = rule.permissions();
    if (permissions != null) {
      // Consul cannot see the request here, so it denies whatever the permissions say (e.7).
      return new Verdict(
          false,
          "Matched L7 intention: %s (Precedence: %d, Permissions: %d)"
              .formatted(pair, rule.precedence(), permissions.size()));
    }
    String action = String.valueOf(rule.action()).toUpperCase(Locale.ROOT);
    boolean allowed = action.equals("ALLOW");
    return new Verdict(
        allowed,
        plane.settings.old()
            ? "Matched intention: %s %s (ID: %s, Precedence: %d)"
                .formatted(action, pair, rule.id(), rule.precedence())
            : "Matched L4 intention: %s (Precedence: %d, Action: %s)"
                .formatted(pair, rule.precedence(), action));
  }
}
