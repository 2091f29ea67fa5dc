package io.meshnative.tests;

import io.meshnative.intention.Permission;
import io.meshnative.intention.Permission.HeaderCondition;
import io.meshnative.intention.Permission.HeaderKind;
import io.meshnative.intention.Permission.PathCondition;
import io.meshnative.intention.Permission.PathKind;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** What rules of {@link L7Cases} say, and for each what meets it and what just misses it. */
final class L7Words {
  static final String HOST = "api.example";

  private static final List<String> PATHS =
      List.of(
          "/",
          "/v1",
          "/v1/",
          "/v1/items",
          "/v1/items/42",
          "/v2",
          "/admin",
          "/admin/users",
          "/static/app.js",
          "/a%20b",
          "/caf%C3%A9",
          "/caf%c3%a9");

  private static final List<String> PREFIXES =
      List.of("/", "/v", "/v1", "/v1/", "/v1/items/", "/adm", "/admin", "/admin/", "/caf%c3");

  /** Expressions, and paths that they match in full. */
  private static final Map<String, List<String>> PATH_EXPRESSIONS =
      Map.of(
          "/v1/items/[0-9]+", List.of("/v1/items/42", "/v1/items/7"),
          "/(admin|static)/.*", List.of("/admin/users", "/static/app.js", "/admin/"),
          "/v[12]", List.of("/v1", "/v2"),
          "/.*%C3.*", List.of("/caf%C3%A9"),
          ".*", List.of("/", "/v1/items"));

  private static final List<String> NAMES = List.of("x-role", "X-Tenant", "user-agent", "host");

  private static final Map<String, List<String>> VALUES =
      Map.of(
          "x-role", List.of("admin", "user", "admin-2", "Admin"),
          "x-tenant", List.of("blue", "red", "blue-07", "a,b"),
          "user-agent", List.of("curl/8.5", "probe"),
          "host", List.of(HOST, "other.example"));

  private static final Map<String, List<String>> VALUE_EXPRESSIONS =
      Map.of(
          "x-role", List.of("adm.*", "admin|user", "[^,]*"),
          "x-tenant", List.of("[a-z]+-[0-9]{2}", "(red|blue)(,(red|blue))*"),
          "user-agent", List.of("curl/.*"),
          "host", List.of("api\\..*", ".*\\.example"));

  private L7Words() {}

  static <T> T pick(List<T> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }

  /** In an order of its own: that of an immutable map changes from one JVM to the next. */
  private static List<String> keys(Map<String, ?> map) {
    return map.keySet().stream().sorted().toList();
  }

  // ---- rules ----

  static PathCondition path(Random random) {
    return switch (random.nextInt(4)) {
      case 0, 1 -> new PathCondition(PathKind.PREFIX, pick(PREFIXES, random));
      case 2 -> new PathCondition(PathKind.EXACT, pick(PATHS, random));
      default -> new PathCondition(PathKind.REGEX, pick(keys(PATH_EXPRESSIONS), random));
    };
  }

  static HeaderCondition header(Random random) {
    String name = pick(NAMES, random);
    HeaderKind kind = pick(List.of(HeaderKind.values()), random);
    boolean invert = random.nextInt(3) == 0;
    String value = text(kind, name.toLowerCase(Locale.ROOT), random);
    boolean compares = kind != HeaderKind.PRESENT && kind != HeaderKind.REGEX;
    boolean ignoreCase = compares && random.nextInt(4) == 0;
    return new HeaderCondition(
        name, kind, ignoreCase ? value.toUpperCase(Locale.ROOT) : value, invert, ignoreCase);
  }

  private static String text(HeaderKind kind, String name, Random random) {
    String value = pick(VALUES.get(name), random);
    int half = (value.length() + 1) / 2;
    return switch (kind) {
      case PRESENT -> "";
      case EXACT -> value;
      case PREFIX -> value.substring(0, half);
      case SUFFIX -> value.substring(half - 1);
      case CONTAINS -> value.substring(1, Math.max(2, value.length() - 1));
      case REGEX -> pick(VALUE_EXPRESSIONS.get(name), random);
    };
  }

  // ---- requests ----

  /** A path that meets the condition. */
  static String meeting(PathCondition condition, Random random) {
    return switch (condition.kind()) {
      case EXACT -> condition.value();
      case PREFIX ->
          condition.value().endsWith("%c3")
              ? "/caf%c3%a9"
              : condition.value() + pick(List.of("", "x", "items"), random);
      case REGEX -> pick(PATH_EXPRESSIONS.get(condition.value()), random);
    };
  }

  static String anyPath(Random random) {
    return pick(PATHS, random);
  }

  /**
   * Another path that differs in little from this one: in length, in letter case, in the letter
   * case of an encoding.
   */
  static String near(String path, Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> path.endsWith("/") ? path + "x" : path + "/";
      case 1 -> path.length() > 1 ? path.substring(0, path.length() - 1) : "/x";
      case 2 -> path.toUpperCase(Locale.ROOT);
      case 3 -> path.toLowerCase(Locale.ROOT);
      case 4 -> path + "z";
      default -> path + "?next=/admin&x=%2e%2e"; // a query is not part of the path
    };
  }

  /** A spelling that servers read in different ways; the library answers it with 400. */
  static String ambiguous(String path, Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> "/" + path;
      case 1 -> "/x/.." + path;
      case 2 -> "/." + path;
      case 3 -> path + ";v=1";
      case 4 -> path + "%2fx";
      default -> path + "%61";
    };
  }

  /** A value that meets the condition, inverted or not, where such a one is at hand. */
  static String meeting(HeaderCondition condition, Random random) {
    String name = condition.name().toLowerCase(Locale.ROOT);
    List<String> values = VALUES.get(name);
    String text = condition.value();
    boolean textMeets = condition.kind() != HeaderKind.REGEX && !text.isEmpty();
    if (!condition.invert() && textMeets) {
      return condition.ignoreCase() ? text.toLowerCase(Locale.ROOT) : text;
    }
    return pick(values, random);
  }

  static String anyValue(String lowerCaseName, Random random) {
    return pick(VALUES.get(lowerCaseName), random);
  }

  /** Headers that rules speak of, without the host. */
  static List<String> headerNames() {
    return List.of("x-role", "x-tenant", "user-agent");
  }

  /** All parts that a permission may have, for a request drawn about none. */
  static Permission.PathCondition anything() {
    return new PathCondition(PathKind.PREFIX, "/");
  }
}
