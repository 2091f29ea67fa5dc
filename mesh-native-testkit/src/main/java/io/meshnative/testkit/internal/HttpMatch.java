package io.meshnative.testkit.internal;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** What Consul checks of the HTTP part of a route and of a permission: nearly the same. */
final class HttpMatch {
  private static final Set<String> METHODS =
      Set.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE");

  private HttpMatch() {}

  /**
   * Checks a match.
   *
   * @param where what a text about the whole begins with
   * @param part what a text about a part begins with, with its separator
   */
  static void check(String where, String part, JsonObject http) {
    int paths = 0;
    for (String kind : List.of("PathExact", "PathPrefix", "PathRegex")) {
      String path = http.text(kind);
      paths += path.isEmpty() ? 0 : 1;
    }
    if (paths > 1) {
      throw new ApiError(
          500, where + " should only contain at most one of PathExact, PathPrefix, or PathRegex");
    }
    for (String kind : List.of("PathExact", "PathPrefix")) {
      String path = http.text(kind);
      if (!path.isEmpty() && !path.startsWith("/")) {
        throw new ApiError(500, part + kind + " doesn't start with '/': \"" + path + "\"");
      }
    }
    List<?> headers = http.list("Header");
    for (int i = 0; i < headers.size(); i++) {
      constraint(
          part + "Header[" + i + "]",
          ConfigEntries.object(headers.get(i)),
          List.of("Present", "Exact", "Prefix", "Suffix", "Regex"),
          "Present, Exact, Prefix, Suffix, or Regex");
    }
    List<?> parameters = http.list("QueryParam");
    for (int i = 0; i < parameters.size(); i++) {
      constraint(
          part + "QueryParam[" + i + "]",
          ConfigEntries.object(parameters.get(i)),
          List.of("Present", "Exact", "Regex"),
          "Present, Exact, or Regex");
    }
    Set<String> seen = new HashSet<>();
    for (Object method : http.list("Methods")) {
      String upper = String.valueOf(method).toUpperCase(Locale.ROOT);
      if (!METHODS.contains(upper)) {
        throw new ApiError(500, part + "Methods contains an invalid method \"" + upper + "\"");
      }
      if (!seen.add(upper)) {
        throw new ApiError(500, part + "Methods contains \"" + upper + "\" more than once");
      }
    }
  }

  private static void constraint(
      String where, JsonObject constraint, List<String> kinds, String choice) {
    if (constraint.text("Name").isEmpty()) {
      throw new ApiError(500, where + " missing required Name field");
    }
    long given =
        kinds.stream()
            .filter(kind -> constraint.flag(kind) || !constraint.text(kind).isEmpty())
            .count();
    if (given != 1) {
      throw new ApiError(500, where + " should only contain one of " + choice);
    }
  }
}
