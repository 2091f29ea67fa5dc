package io.meshnative.testkit.internal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Tokens and policies. {@link LoginEndpoint} has the rest of the ACL system. */
final class AclEndpoint implements Endpoint {
  private static final String DISABLED = "ACL support disabled";

  private final Plane plane;
  private final LoginEndpoint login;

  AclEndpoint(Plane plane) {
    this.plane = plane;
    this.login = new LoginEndpoint(plane);
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) {
    if (!request.path().startsWith("/v1/acl/")) {
      return null;
    }
    if (!plane.acl.enabled()) {
      throw new ApiError(401, DISABLED);
    }
    return switch (request.segment(2)) {
      case "token" -> token(request);
      case "tokens" -> {
        Plane.allowOnly(request, "GET");
        yield list(request, plane.acl.tokens().stream().map(this::stub).toList());
      }
      case "policy" -> policy(request);
      case "policies" -> {
        Plane.allowOnly(request, "GET");
        yield list(request, plane.acl.policies().stream().map(p -> p.json(false)).toList());
      }
      case "bootstrap" -> {
        Plane.allowOnly(request, "PUT");
        throw new ApiError(
            403, "Permission denied: ACL bootstrap no longer allowed (reset index: 4)");
      }
      default -> login.answer(request);
    };
  }

  private ApiResponse list(ApiRequest request, List<?> rows) {
    plane.permit(request, Rights::aclRead);
    return query(ApiResponse.json(rows));
  }

  private ApiResponse query(ApiResponse response) {
    return plane.query(response, plane.acl.tableIndex(), true, "blocking-query");
  }

  private Map<String, @Nullable Object> stub(AclToken token) {
    return token.json(false, plane.acl.policyIds());
  }

  private ApiResponse shown(AclToken token) {
    return ApiResponse.json(token.json(true, plane.acl.policyIds()));
  }

  private void require(ApiRequest request, BooleanSupplier granted) {
    Rights.require(granted.getAsBoolean());
  }

  private ApiResponse token(ApiRequest request) {
    String id = request.segment(3);
    if (id.equals("self")) {
      Plane.allowOnly(request, "GET");
      // The anonymous token has nothing to show, and its absence is a true answer.
      ApiResponse response =
          plane
              .acl
              .token(request.token())
              .map(this::shown)
              .orElseGet(() -> ApiError.unknownToken().response());
      return query(response);
    }
    Rights rights = plane.rights(request);
    if (id.isEmpty()) {
      Plane.allowOnly(request, "PUT");
      require(request, rights::aclWrite);
      return shown(plane.acl.store(wanted(body(request), null)));
    }
    Plane.allowOnly(request, "GET", "PUT", "DELETE");
    require(request, request.method().equals("GET") ? rights::aclRead : rights::aclWrite);
    AclToken present = plane.acl.byAccessor(id).orElseThrow(ApiError::unknownToken);
    return switch (request.method()) {
      case "GET" -> query(shown(present));
      case "PUT" -> shown(plane.acl.store(wanted(body(request), present)));
      default -> ApiResponse.json(plane.acl.destroy(present.secretId()));
    };
  }

  private AclToken wanted(JsonObject body, @Nullable AclToken present) {
    if (!body.list("Roles").isEmpty()) {
      throw new ApiError(
          500, "the embedded plane has no roles: give the token service identities or policies");
    }
    List<String> policies = new ArrayList<>();
    for (Object tree : body.list("Policies")) {
      JsonObject link = ConfigEntries.object(tree);
      String key = link.text("ID").isEmpty() ? link.text("Name") : link.text("ID");
      policies.add(
          plane
              .acl
              .policy(key)
              .orElseThrow(() -> new ApiError(500, "No such ACL policy with name \"" + key + "\""))
              .name());
    }
    String accessor =
        present == null ? or(body.text("AccessorID"), UUID.randomUUID()) : present.accessorId();
    return new AclToken(
        accessor,
        present == null ? or(body.text("SecretID"), UUID.randomUUID()) : present.secretId(),
        body.text("Description"),
        policies,
        names(body, "ServiceIdentities", "ServiceName"),
        names(body, "NodeIdentities", "NodeName"),
        body.flag("Local"),
        present == null ? "" : present.authMethod(),
        present == null ? plane.acl.now() : present.created(),
        plane.acl.expiry(GoDuration.parse(body.text("ExpirationTTL")).orElse(null)),
        0);
  }

  private static String or(String text, UUID otherwise) {
    return text.isEmpty() ? otherwise.toString() : text;
  }

  private static List<String> names(JsonObject body, String list, String field) {
    List<String> names = new ArrayList<>();
    for (Object tree : body.list(list)) {
      String name = ConfigEntries.object(tree).text(field);
      if (!name.matches("[a-z0-9]([a-z0-9_-]*[a-z0-9])?")) {
        throw new ApiError(
            500,
            "Service identity \"%s\" has an invalid name. Only alphanumeric characters, '-' and '_' are allowed"
                .formatted(name));
      }
      names.add(name);
    }
    return names;
  }

  private ApiResponse policy(ApiRequest request) {
    Rights rights = plane.rights(request);
    if (request.segment(3).isEmpty()) {
      Plane.allowOnly(request, "PUT");
      require(request, rights::aclWrite);
      JsonObject body = body(request);
      String name = body.text("Name");
      if (!name.matches("[A-Za-z0-9_-]{1,128}")) {
        throw new ApiError(
            500,
            "Invalid Policy: invalid Name. Only alphanumeric characters, '-' and '_' are allowed");
      }
      if (plane.acl.policy(name).isPresent()) {
        throw new ApiError(
            500, "Invalid Policy: A Policy with Name \"" + name + "\" already exists");
      }
      try {
        AclRules parsed = AclRules.parse(body.text("Rules"));
        return ApiResponse.json(
            plane
                .acl
                .storePolicy(name, body.text("Description"), body.text("Rules"), parsed)
                .json(true));
      } catch (IllegalArgumentException e) {
        throw new ApiError(500, "Failed to parse ACL rules: " + e.getMessage());
      }
    }
    Plane.allowOnly(request, "GET");
    require(request, rights::aclRead);
    String key = request.segment(3).equals("name") ? request.segment(4) : request.segment(3);
    return query(
        ApiResponse.json(plane.acl.policy(key).orElseThrow(ApiError::unknownToken).json(true)));
  }

  static JsonObject body(ApiRequest request) {
    try {
      return JsonObject.parse(request.body());
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decode failed: " + e.getMessage());
    }
  }

  /** A map of texts, such as claim mappings. */
  static Map<String, String> texts(JsonObject object) {
    Map<String, String> all = new LinkedHashMap<>();
    object.fields().forEach((key, value) -> all.put(key, String.valueOf(value)));
    return all;
  }
}
