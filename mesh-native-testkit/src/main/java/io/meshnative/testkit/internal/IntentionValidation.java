package io.meshnative.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What Consul checks when an intention is written, with its texts. Not checked here and not there:
 * regular expressions.
 */
final class IntentionValidation {
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

  /**
   * Checks a source as it was normalized.
   *
   * @param where for example {@code Sources[0]}
   */
  static void requireRule(String where, JsonObject source, String destination) {
    if (source.text("Description").length() > 512) {
      throw new ApiError(500, where + ".Description exceeds maximum length 512");
    }
    String type = source.text("Type");
    if (!type.isEmpty() && !type.equals("consul")) {
      throw new ApiError(500, where + ".Type must be set to 'consul'");
    }
    if (source.has("LegacyMeta")) {
      throw new ApiError(500, where + ".LegacyMeta must be omitted");
    }
    List<?> permissions = source.list("Permissions");
    if (permissions.isEmpty() && !isAction(source.text("Action"))) {
      throw new ApiError(500, where + ".Action must be set to 'allow' or 'deny'");
    }
    if (!permissions.isEmpty() && destination.equals("*")) {
      throw new ApiError(
          500,
          where + ".Permissions cannot be specified on intentions with wildcarded destinations");
    }
    if (!permissions.isEmpty() && !source.text("Action").isEmpty()) {
      throw new ApiError(500, where + ".Action must be omitted if Permissions are specified");
    }
    for (int i = 0; i < permissions.size(); i++) {
      requirePermission(
          where + ".Permissions[" + i + "]", ConfigEntries.object(permissions.get(i)));
    }
  }

  private static void requirePermission(String where, JsonObject permission) {
    if (!isAction(permission.text("Action"))) {
      throw new ApiError(500, where + ".Action must be set to 'allow' or 'deny'");
    }
    if (!permission.has("HTTP")) {
      throw new ApiError(500, where + ".HTTP is required");
    }
    JsonObject http = ConfigEntries.child(permission, "HTTP");
    if (http.fields().isEmpty()) {
      throw new ApiError(500, where + ".HTTP should not be empty");
    }
    HttpMatch.check(where + ".HTTP", where + ".HTTP.", http);
  }

  /**
   * Reads the sources of an entry: keys in any spelling, methods in capitals.
   *
   * @throws ApiError for unknown keys
   */
  static Map<String, @Nullable Object> normalizeEntry(JsonObject body) {
    Map<String, @Nullable Object> entry = EntrySchema.normalize("service-intentions", false, body);
    for (Object source : ConfigEntries.object(entry).list("Sources")) {
      for (Object permission : ConfigEntries.object(source).list("Permissions")) {
        capitalizeMethods(ConfigEntries.child(ConfigEntries.object(permission), "HTTP").fields());
      }
    }
    return entry;
  }

  private static void capitalizeMethods(Map<String, @Nullable Object> http) {
    if (http.get("Methods") instanceof List<?> methods) {
      http.put(
          "Methods",
          methods.stream()
              .map(method -> String.valueOf(method).toUpperCase(java.util.Locale.ROOT))
              .toList());
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
