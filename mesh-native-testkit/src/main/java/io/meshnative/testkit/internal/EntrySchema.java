package io.meshnative.testkit.internal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which keys a config entry may have, and how the agent spells them back.
 *
 * <p>Keys come in CamelCase or snake_case and go out in CamelCase; what is empty is left out, as
 * Go's {@code omitempty} does; an unknown key at any depth refuses the whole entry, with every such
 * key in the text.
 */
final class EntrySchema {
  private sealed interface Shape permits Scalar, Struct, ListOf, MapOf {}

  private enum Scalar implements Shape {
    /** As it came. */
    PLAIN,
    /** A duration that goes out as Go prints it, {@code 1.5s}. */
    DURATION,
    /** A duration that goes out as a number of nanoseconds, which Go's own JSON does. */
    NANOS
  }

  /** An object. Keys in {@code always} are shown though they are empty. */
  private record Struct(Map<String, Shape> fields, Set<String> always) implements Shape {}

  private record ListOf(Shape element) implements Shape {}

  private record MapOf(Shape value) implements Shape {}

  private static final Shape ANY = Scalar.PLAIN;
  private static final Shape META = new MapOf(ANY);

  private static final Shape HEADER =
      struct("Name", "Present", "Exact", "Prefix", "Suffix", "Regex", "Invert");

  private static Struct struct(Object... parts) {
    return struct(Set.of(), parts);
  }

  /** Names, each followed by its shape where it is not a plain value. */
  private static Struct struct(Set<String> always, Object... parts) {
    Map<String, Shape> fields = new LinkedHashMap<>();
    for (int i = 0; i < parts.length; i++) {
      boolean shaped = i + 1 < parts.length && parts[i + 1] instanceof Shape;
      fields.put((String) parts[i], shaped ? (Shape) parts[i + 1] : ANY);
      i += shaped ? 1 : 0;
    }
    return new Struct(fields, always);
  }

  private static final Shape HTTP_PERMISSION =
      struct("PathExact", "PathPrefix", "PathRegex", "Header", new ListOf(HEADER), "Methods");

  private static final Struct INTENTIONS =
      struct(
          "Kind",
          "Name",
          "Sources",
          new ListOf(
              struct(
                  "Name",
                  "Action",
                  "Permissions",
                  new ListOf(struct("Action", "HTTP", HTTP_PERMISSION)),
                  "Precedence",
                  "LegacyID",
                  "Type",
                  "Description",
                  "LegacyMeta",
                  META,
                  "LegacyCreateTime",
                  "LegacyUpdateTime")),
          "Meta",
          META,
          "CreateIndex",
          "ModifyIndex");

  private static final Shape ROUTE_MATCH =
      struct(
          "HTTP",
          struct(
              "PathExact",
              "PathPrefix",
              "PathRegex",
              "Header",
              new ListOf(HEADER),
              "QueryParam",
              new ListOf(struct("Name", "Present", "Exact", "Regex")),
              "Methods"));

  private static final Struct ROUTER =
      struct(
          "Kind",
          "Name",
          "Routes",
          new ListOf(
              struct(
                  "Match",
                  ROUTE_MATCH,
                  "Destination",
                  struct(
                      "RequestTimeout",
                      Scalar.DURATION,
                      "Service",
                      "ServiceSubset",
                      "Namespace",
                      "PrefixRewrite",
                      "NumRetries",
                      "RetryOnConnectFailure",
                      "RetryOnStatusCodes"))),
          "Meta",
          META,
          "CreateIndex",
          "ModifyIndex");

  private static final Struct SPLITTER =
      struct(
          "Kind",
          "Name",
          "Splits",
          new ListOf(struct(Set.of("Weight"), "Weight", "Service", "ServiceSubset", "Namespace")),
          "Meta",
          META,
          "CreateIndex",
          "ModifyIndex");

  private static final Shape LOAD_BALANCER =
      struct(
          "Policy",
          "RingHashConfig",
          struct("MinimumRingSize", "MaximumRingSize"),
          "LeastRequestConfig",
          struct("ChoiceCount"),
          "HashPolicies",
          new ListOf(
              struct(
                  "Field",
                  "FieldValue",
                  "CookieConfig",
                  struct("Session", "TTL", Scalar.NANOS, "Path"),
                  "SourceIP",
                  "Terminal")));

  private static Struct resolver(boolean old) {
    Map<String, Shape> fields = new LinkedHashMap<>();
    fields.put("ConnectTimeout", Scalar.DURATION);
    fields.putAll(
        struct(
                "Kind",
                "Name",
                "DefaultSubset",
                "Subsets",
                new MapOf(struct("Filter", "OnlyPassing")),
                "Redirect",
                struct("Service", "ServiceSubset", "Namespace", "Datacenter"),
                "Failover",
                new MapOf(struct("Service", "ServiceSubset", "Namespace", "Datacenters")))
            .fields());
    if (!old) {
      // 1.9 brought load balancing.
      fields.put("LoadBalancer", LOAD_BALANCER);
    }
    fields.putAll(struct("Meta", META, "CreateIndex", "ModifyIndex").fields());
    return new Struct(fields, Set.of());
  }

  private static Struct defaults(boolean old, boolean ofService) {
    Set<String> always =
        old ? Set.of("MeshGateway", "Expose") : Set.of("TransparentProxy", "MeshGateway", "Expose");
    Map<String, Shape> fields = new LinkedHashMap<>();
    fields.putAll(struct("Kind", "Name").fields());
    fields.put(ofService ? "Protocol" : "Config", ofService ? ANY : new MapOf(ANY));
    if (!old) {
      fields.putAll(
          struct("Mode", "TransparentProxy", struct("OutboundListenerPort", "DialedDirectly"))
              .fields());
    }
    fields.putAll(
        struct("MeshGateway", struct("Mode"), "Expose", struct("Checks", "Paths")).fields());
    if (ofService) {
      fields.put("ExternalSNI", ANY);
      if (!old) {
        fields.put("UpstreamConfig", struct("Overrides", "Defaults"));
      }
    }
    if (!old) {
      fields.put("Meta", META);
    }
    fields.putAll(struct("CreateIndex", "ModifyIndex").fields());
    return new Struct(fields, always);
  }

  private static final Struct MESH =
      struct(
          Set.of("TransparentProxy"),
          "Kind",
          "TransparentProxy",
          struct(Set.of("MeshDestinationsOnly"), "MeshDestinationsOnly"),
          "Meta",
          META,
          "CreateIndex",
          "ModifyIndex");

  private final Struct root;
  private final List<String> unknown = new ArrayList<>();

  private EntrySchema(Struct root) {
    this.root = root;
  }

  /** Whether the release knows entries of this kind. */
  static boolean knows(String kind, boolean old) {
    return switch (kind) {
      case "service-defaults",
          "proxy-defaults",
          "service-router",
          "service-splitter",
          "service-resolver" ->
          true;
      case "service-intentions", "mesh" -> !old;
      default -> false;
    };
  }

  private static Struct of(String kind, boolean old) {
    return switch (kind) {
      case "service-intentions" -> INTENTIONS;
      case "service-defaults" -> defaults(old, true);
      case "proxy-defaults" -> defaults(old, false);
      case "service-router" -> ROUTER;
      case "service-splitter" -> SPLITTER;
      case "service-resolver" -> resolver(old);
      case "mesh" -> MESH;
      default -> throw new IllegalArgumentException("no such kind: " + kind);
    };
  }

  /**
   * The entry in the agent's spelling and order.
   *
   * @throws ApiError 400 for keys that do not exist and durations that are none
   */
  static Map<String, @Nullable Object> normalize(String kind, boolean old, JsonObject body) {
    EntrySchema schema = new EntrySchema(of(kind, old));
    Map<String, @Nullable Object> entry = schema.struct("", schema.root, body);
    if (!schema.unknown.isEmpty()) {
      int count = schema.unknown.size();
      throw ApiError.badRequest(
          "Request decoding failed: %d %s occurred:\n\t* %s\n\n"
              .formatted(
                  count, count == 1 ? "error" : "errors", String.join("\n\t* ", schema.unknown)));
    }
    if (old && kind.equals("service-router")) {
      nameNamespaces(entry);
    }
    return entry;
  }

  /** 1.8 fills in the namespace of a route's destination, but only where methods are matched. */
  @SuppressWarnings("unchecked") // made above
  private static void nameNamespaces(Map<String, @Nullable Object> router) {
    for (Object tree : ConfigEntries.object(router).list("Routes")) {
      JsonObject route = ConfigEntries.object(tree);
      JsonObject http = ConfigEntries.child(ConfigEntries.child(route, "Match"), "HTTP");
      if (!http.list("Methods").isEmpty() && route.get("Destination") instanceof Map<?, ?> map) {
        ((Map<String, @Nullable Object>) map).putIfAbsent("Namespace", "default");
      }
    }
  }

  private Map<String, @Nullable Object> struct(String at, Struct shape, JsonObject object) {
    for (String key : object.unknown(shape.fields().keySet())) {
      String path = at.isEmpty() ? key : at + "." + key;
      unknown.add(
          "invalid config key \""
              + path
              + "\""
              + (key.equalsIgnoreCase("namespace")
                  ? ", namespaces are a consul enterprise feature"
                  : ""));
    }
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    shape
        .fields()
        .forEach((name, inner) -> {
          Object value = value(at.isEmpty() ? name : at + "." + name, inner, object.get(name));
          boolean kept = inner instanceof Struct && value != null;
          if (kept || !isEmpty(value)) {
            all.put(name, value);
          } else if (shape.always().contains(name) && !(inner instanceof ListOf)) {
            all.put(name, value == null && inner instanceof Struct empty ? zero(empty) : value);
          }
        });
    return all;
  }

  /** An object that was not given: what it always shows is shown nevertheless, as false. */
  private static Map<String, @Nullable Object> zero(Struct shape) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    shape
        .fields()
        .forEach((name, inner) -> {
          if (shape.always().contains(name)) {
            all.put(name, inner instanceof Struct struct ? zero(struct) : false);
          }
        });
    return all;
  }

  private static boolean isEmpty(@Nullable Object value) {
    return value == null
        || value.equals("")
        || value.equals(0L)
        || value.equals(false)
        || (value instanceof List<?> list && list.isEmpty())
        || (value instanceof Map<?, ?> map && map.isEmpty());
  }

  private @Nullable Object value(String at, Shape shape, @Nullable Object value) {
    if (value == null) {
      return null;
    }
    if (shape instanceof Struct struct) {
      return struct(at, struct, object(value));
    }
    if (shape instanceof ListOf list) {
      List<@Nullable Object> all = new ArrayList<>();
      if (!(value instanceof List<?> given)) {
        throw wrongType(at);
      }
      given.forEach(one -> all.add(value(at + "[" + all.size() + "]", list.element(), one)));
      return all;
    }
    if (shape instanceof MapOf map) {
      Map<String, @Nullable Object> all = new java.util.TreeMap<>();
      object(value)
          .fields()
          .forEach((key, one) -> all.put(key, value(at + "[" + key + "]", map.value(), one)));
      return all;
    }
    return shape == Scalar.PLAIN ? value : duration(at, (Scalar) shape, value);
  }

  private static Object duration(String at, Scalar shape, Object value) {
    Duration duration =
        value instanceof Long nanos
            ? Duration.ofNanos(nanos)
            : GoDuration.parse(String.valueOf(value))
                .orElseThrow(() -> {
                  String last = at.substring(at.lastIndexOf('.') + 1);
                  return ApiError.badRequest(
                      "Request decoding failed: 1 error(s) decoding:\n\n* error decoding '%s': time: invalid duration \"%s\""
                          .formatted(last, value));
                });
    return shape == Scalar.NANOS ? (Object) duration.toNanos() : GoDuration.text(duration);
  }

  private static JsonObject object(@Nullable Object tree) {
    try {
      return JsonObject.of(tree);
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
  }

  private static ApiError wrongType(String at) {
    return ApiError.badRequest(
        "Request decoding failed: 1 error(s) decoding:\n\n* '%s' expected an array"
            .formatted(at.toLowerCase(Locale.ROOT)));
  }
}
