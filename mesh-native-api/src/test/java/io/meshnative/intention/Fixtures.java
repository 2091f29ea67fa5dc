package io.meshnative.intention;

import com.squareup.moshi.JsonReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import okio.Buffer;

/** What a Consul server of version 1.10.3 answered. */
final class Fixtures {
  private Fixtures() {}

  static Object json(String name) {
    try (InputStream file =
            Fixtures.class.getResourceAsStream("/io/meshnative/fixtures/1.10.3/" + name + ".json");
        Buffer buffer = new Buffer();
        JsonReader reader = JsonReader.of(buffer.readFrom(Objects.requireNonNull(file, name)))) {
      return Objects.requireNonNull(reader.readJsonValue());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  static Object at(Object json, String key) {
    return Objects.requireNonNull(((Map<?, ?>) json).get(key), key);
  }

  static boolean has(Object json, String key) {
    return ((Map<?, ?>) json).get(key) != null;
  }

  static List<Object> list(Object json, String key) {
    return has(json, key) ? new ArrayList<>((List<?>) at(json, key)) : List.of();
  }

  static String text(Object json, String key) {
    return has(json, key) ? (String) at(json, key) : "";
  }

  /** Reads the intentions of a match response. */
  static List<Intention> match(String fixture, String name) {
    List<Intention> intentions = new ArrayList<>();
    for (Object one : list(at(json(fixture), "body"), name)) {
      intentions.add(
          new Intention(
              new Intention.Source("", "default", text(one, "SourceNS"), text(one, "SourceName")),
              new Intention.Destination(
                  "default", text(one, "DestinationNS"), text(one, "DestinationName")),
              has(one, "Action") ? Optional.of(action(one)) : Optional.empty(),
              permissions(one),
              ((Number) at(one, "Precedence")).intValue(),
              false,
              text(one, "Description"),
              List.of()));
    }
    return intentions;
  }

  static Intention.Action action(Object json) {
    return text(json, "Action").equals("allow") ? Intention.Action.ALLOW : Intention.Action.DENY;
  }

  static List<Permission> permissions(Object intention) {
    List<Permission> permissions = new ArrayList<>();
    for (Object one : list(intention, "Permissions")) {
      Object http = has(one, "HTTP") ? at(one, "HTTP") : Map.of();
      List<Permission.HeaderCondition> headers = new ArrayList<>();
      for (Object header : list(http, "Header")) {
        headers.add(header(header));
      }
      List<String> methods = new ArrayList<>();
      for (Object method : list(http, "Methods")) {
        methods.add((String) method);
      }
      permissions.add(new Permission(action(one), path(http), headers, methods, false));
    }
    return permissions;
  }

  private static Optional<Permission.PathCondition> path(Object http) {
    if (has(http, "PathExact")) {
      return condition(Permission.PathKind.EXACT, text(http, "PathExact"));
    }
    if (has(http, "PathPrefix")) {
      return condition(Permission.PathKind.PREFIX, text(http, "PathPrefix"));
    }
    return has(http, "PathRegex")
        ? condition(Permission.PathKind.REGEX, text(http, "PathRegex"))
        : Optional.empty();
  }

  private static Optional<Permission.PathCondition> condition(
      Permission.PathKind kind, String value) {
    return Optional.of(new Permission.PathCondition(kind, value));
  }

  private static Permission.HeaderCondition header(Object json) {
    Permission.HeaderKind kind = Permission.HeaderKind.PRESENT;
    String value = "";
    for (Permission.HeaderKind candidate : Permission.HeaderKind.values()) {
      String key =
          candidate.name().charAt(0)
              + candidate.name().substring(1).toLowerCase(java.util.Locale.ROOT);
      if (candidate != Permission.HeaderKind.PRESENT && has(json, key)) {
        kind = candidate;
        value = text(json, key);
      }
    }
    return new Permission.HeaderCondition(
        text(json, "Name"), kind, value, has(json, "Invert"), false);
  }
}
