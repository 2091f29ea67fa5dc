package io.meshnative.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What Consul checks when an intention is written, with its texts.
 *
 * <p>Not checked, though the real one does: that the destination's protocol is http-like. Not
 * checked here and not there: regular expressions.
 */
final class IntentionValidation {
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE");

  private IntentionValidation() {}

  static boolean isAction(String text) {
    return text.equals("allow") || text.equals("deny");
  }

  static void requireName(String where, String name) {
    if (name.isEmpty()) {
      throw new ApiError(500, where + " is required");
    }
    if (name.contains("*") && !name.equals("*")) {
      throw new ApiError(
          500, where + ": wildcard character '*' cannot be used with partial values");
    }
  }

  /** Checks action and permissions of a source. */
  static void requireRule(String where, JsonObject source, String destination) {
    boolean permissions = source.has("Permissions");
    if (!permissions && !isAction(source.text("Action"))) {
      throw new ApiError(500, where + ".Action must be set to 'allow' or 'deny'");
    }
    if (permissions && !source.text("Action").isEmpty()) {
      throw new ApiError(500, where + ".Action must be omitted if Permissions are specified");
    }
    if (permissions && destination.equals("*")) {
      throw new ApiError(
          500,
          where + ".Permissions cannot be specified on intentions with wildcarded destinations");
    }
    List<?> list = source.list("Permissions");
    for (int i = 0; i < list.size(); i++) {
      requirePermission(where + ".Permissions[" + i + "]", list.get(i));
    }
  }

  private static void requirePermission(String where, @Nullable Object tree) {
    try {
      JsonObject permission = JsonObject.of(tree);
      refuseUnknown(where, permission, Set.of("Action", "HTTP"));
      if (!isAction(permission.text("Action"))) {
        throw new ApiError(500, where + ".Action must be set to 'allow' or 'deny'");
      }
      JsonObject http = permission.object("HTTP");
      refuseUnknown(
          where + ".HTTP",
          http,
          Set.of("PathExact", "PathPrefix", "PathRegex", "Header", "Methods"));
      requireHttp(where + ".HTTP", http);
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
  }

  private static void requireHttp(String where, JsonObject http) {
    int paths = 0;
    for (String kind : List.of("PathExact", "PathPrefix", "PathRegex")) {
      String path = http.text(kind);
      paths += path.isEmpty() ? 0 : 1;
      if (!path.isEmpty() && !kind.equals("PathRegex") && !path.startsWith("/")) {
        throw new ApiError(500, where + "." + kind + " doesn't start with '/': \"" + path + "\"");
      }
    }
    if (paths > 1) {
      throw new ApiError(
          500, where + " should only contain at most one of PathExact, PathPrefix, or PathRegex");
    }
    for (Object method : http.list("Methods")) {
      if (!METHODS.contains(String.valueOf(method))) {
        throw new ApiError(500, where + ".Methods contains an invalid method \"" + method + "\"");
      }
    }
    if (paths == 0 && http.list("Header").isEmpty() && http.list("Methods").isEmpty()) {
      throw new ApiError(500, where.replace(".HTTP", "") + " cannot be empty");
    }
  }

  static void refuseUnknown(String where, JsonObject object, Set<String> known) {
    String unknown = object.unknownBut(known);
    if (unknown != null) {
      String key = where.isEmpty() ? unknown : where + "." + unknown;
      throw ApiError.badRequest(
          "Request decoding failed: 1 error occurred:\n\t* invalid config key \"" + key + "\"\n\n");
    }
  }

  static Map<String, @Nullable Object> meta(JsonObject object) {
    try {
      return new LinkedHashMap<>(object.object("Meta").fields());
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
  }
}
