package io.meshnative.testkit.internal;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reading, matching and writing intentions, one at a time. */
final class IntentionEndpoint implements Endpoint {
  private static final String BASE = "/v1/connect/intentions";
  private static final Set<String> FIELDS =
      Set.of(
          "ID",
          "SourceNS",
          "SourceName",
          "DestinationNS",
          "DestinationName",
          "SourceType",
          "Action",
          "Description",
          "Meta",
          "Precedence",
          // The command line sends whole objects back.
          "DefaultAddr",
          "DefaultPort",
          "CreatedAt",
          "UpdatedAt",
          "Hash",
          "CreateIndex",
          "ModifyIndex");

  private final Plane plane;

  IntentionEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    String path = request.path();
    if (path.equals(BASE)) {
      Plane.allowOnly(request, "GET", "POST");
      return request.method().equals("GET") ? list(request) : create(request);
    }
    if (!path.startsWith(BASE + "/")) {
      return null;
    }
    return switch (request.segment(3)) {
      case "match" -> {
        Plane.allowOnly(request, "GET");
        yield match(request);
      }
      case "exact" -> {
        Plane.allowOnly(request, "GET", "PUT", "DELETE");
        yield exact(request);
      }
      default -> {
        Plane.allowOnly(request, "GET", "PUT", "DELETE");
        yield byId(request, request.segment(3));
      }
    };
  }

  private ApiResponse list(ApiRequest request) throws InterruptedException {
    plane.permit(request, rights -> true);
    FilterExpression filter =
        FilterExpression.parse(request.parameter("filter"), List.copyOf(FIELDS));
    plane.block(request, plane.intentions::tableIndex, Plane::neverDue);
    return plane.snapshot(() ->
        plane.query(
            ApiResponse.json(json(visible(plane.rights(request))).stream().filter(filter).toList()),
            plane.intentions.tableIndex(),
            true,
            "blocking-query"));
  }

  private List<IntentionRule> visible(Rights rights) {
    return plane.intentions.list().stream()
        .filter(rule ->
            rights.intentionRead(rule.source()) && !rule.source().equals("*")
                || rights.intentionRead(rule.destination()))
        .toList();
  }

  private List<Map<String, @Nullable Object>> json(List<IntentionRule> rules) {
    boolean old = plane.settings.old();
    List<Map<String, @Nullable Object>> list = new ArrayList<>();
    rules.forEach(rule -> list.add(rule.json(old)));
    return list;
  }

  private ApiResponse match(ApiRequest request) throws InterruptedException {
    if (!request.has("by")) {
      throw new ApiError(500, "required query parameter 'by' not set");
    }
    String by = request.parameter("by");
    if (!by.equals("source") && !by.equals("destination")) {
      throw new ApiError(500, "'by' parameter must be one of 'source' or 'destination'");
    }
    if (!request.has("name")) {
      throw new ApiError(500, "required query parameter 'name' not set");
    }
    boolean byDestination = by.equals("destination");
    Map<String, String> names = new LinkedHashMap<>();
    request.parameters("name").forEach(given -> names.put(given, bareName(given)));
    if (plane.settings.old()) {
      // What 1.8 answers here has no header of a query, refusals neither (e.3).
      Rights rights = plane.rights(request);
      Rights.require(names.values().stream().allMatch(rights::intentionRead));
    } else {
      plane.permit(request, rights -> names.values().stream().allMatch(rights::intentionRead));
    }
    return plane.settings.old()
        ? match18(request, names, byDestination)
        : match110(request, names, byDestination);
  }

  private static String bareName(String given) {
    String[] parts = given.split("/", -1);
    if (parts.length > 2) {
      throw new ApiError(
          500, "name \"" + given + "\" is invalid: input can contain at most one '/'");
    }
    if (parts.length == 2 && !parts[0].equals("default")) {
      throw new ApiError(
              500,
              "Invalid match entry namespace \""
                  + parts[0]
                  + "\": Namespaces is a Consul Enterprise feature")
          .asQuery();
    }
    return parts[parts.length - 1];
  }

  /** 1.8 wakes for any intention and never says which index it is at (e.3). */
  private ApiResponse match18(ApiRequest request, Map<String, String> names, boolean byDestination)
      throws InterruptedException {
    plane.block(request, plane.intentions::tableIndex, Plane::neverDue);
    return ApiResponse.json(matches(names, byDestination));
  }

  /**
   * 1.10 wakes for its own destinations only, yet shows the index of the whole table: after a time
   * out it shows the old one, so that the next call may return at once and unchanged (l.3).
   */
  private ApiResponse match110(ApiRequest request, Map<String, String> names, boolean byDestination)
      throws InterruptedException {
    IntentionStore store = plane.intentions;
    List<String> destinations = List.copyOf(names.values());
    long asked = request.index();
    long atStart = store.tableIndex();
    if (asked > 0 && atStart <= asked) {
      plane.block(
          request,
          () -> byDestination ? store.indexFor(destinations) : store.tableIndex(),
          Plane::neverDue);
    }
    return plane.snapshot(() -> {
      long present = store.tableIndex();
      boolean woken = !byDestination || store.indexFor(destinations) > asked;
      long shown = asked == 0 || woken || present < atStart ? present : atStart;
      ApiResponse response = ApiResponse.json(matches(names, byDestination));
      if (request.flag("cached")) {
        response.cache(plane.cache.had(request));
      }
      Plane.consistency(request, response);
      return plane.query(response, shown, true, "blocking-query");
    });
  }

  private Map<String, @Nullable Object> matches(Map<String, String> names, boolean byDestination) {
    Map<String, @Nullable Object> body = new LinkedHashMap<>();
    names.forEach((given, name) -> {
      List<IntentionRule> rules =
          byDestination
              ? plane.intentions.matchDestination(name)
              : plane.intentions.matchSource(name);
      body.put(given, rules.isEmpty() ? null : json(rules));
    });
    return body;
  }

  private ApiResponse create(ApiRequest request) {
    Legacy wanted = Legacy.read(request, plane.settings.old());
    Rights.require(plane.rights(request).intentionWrite(wanted.destination()));
    refuseDuplicate(wanted.source(), wanted.destination());
    return store(wanted);
  }

  private ApiResponse store(Legacy wanted) {
    var id =
        plane.intentions.put(
            wanted.source(),
            wanted.destination(),
            wanted.action(),
            null,
            wanted.description(),
            wanted.meta(),
            true);
    return ApiResponse.json(Json.object("ID", id.toString()));
  }

  /** What a write by the API of ids asks for. */
  private record Legacy(
      String source,
      String destination,
      String action,
      String description,
      Map<String, @Nullable Object> meta) {

    static Legacy read(ApiRequest request, boolean old) {
      JsonObject body = parse(request.body());
      String unknown = body.unknownBut(FIELDS);
      if (unknown != null && old) {
        throw new ApiError(
            500, "Failed to decode request body: json: unknown field \"" + unknown + "\"");
      }
      if (unknown != null && !unknown.equals("Permissions")) {
        throw ApiError.badRequest("Request decode failed: json: unknown field \"" + unknown + "\"");
      }
      String action = body.text("Action");
      List<String> errors = new ArrayList<>();
      if (!IntentionValidation.isAction(action)) {
        errors.add("Action must be set to 'allow' or 'deny'");
      }
      if (body.has("Permissions")) {
        errors.add("Permissions must not be set when using the legacy APIs");
      }
      String source = body.text("SourceName");
      String destination = body.text("DestinationName");
      if (source.isEmpty()) {
        errors.add("SourceName must be set");
      }
      if (destination.isEmpty()) {
        errors.add("DestinationName must be set");
      }
      if (!errors.isEmpty()) {
        String count = errors.size() + (errors.size() == 1 ? " error" : " errors");
        throw new ApiError(
            500, count + " occurred:\n\t* " + String.join("\n\t* ", errors) + "\n\n");
      }
      return new Legacy(
          source, destination, action, body.text("Description"), IntentionValidation.meta(body));
    }
  }

  private void refuseDuplicate(String source, String destination) {
    plane
        .intentions
        .exact(source, destination)
        .ifPresent(rule -> {
          String action = String.valueOf(rule.action()).toUpperCase(Locale.ROOT);
          throw new ApiError(
              500,
              plane.settings.old()
                  ? "duplicate intention found: %s default/%s => default/%s (ID: %s, Precedence: %d)"
                      .formatted(
                          action, rule.source(), rule.destination(), rule.id(), rule.precedence())
                  : "Sources[1] defines \"" + source + "\" more than once");
        });
  }

  private ApiResponse byId(ApiRequest request, String id) {
    if (id.length() != 36) {
      throw ApiError.badRequest("failed intention lookup: index error: UUID must be 36 characters");
    }
    var rule = plane.intentions.byId(id).filter(found -> found.legacy() || plane.settings.old());
    Rights rights = plane.rights(request);
    rule.ifPresent(found ->
        Rights.require(
            request.method().equals("GET")
                ? rights.intentionRead(found.destination())
                : rights.intentionWrite(found.destination())));
    if (request.method().equals("DELETE")) {
      var found =
          rule.orElseThrow(
              () -> new ApiError(500, "Cannot delete non-existent intention: '" + id + "'"));
      plane.intentions.remove(found.source(), found.destination());
      return ApiResponse.json(true);
    }
    if (request.method().equals("PUT")) {
      var found =
          rule.orElseThrow(
              () -> new ApiError(500, "Cannot modify non-existent intention: '" + id + "'"));
      Legacy wanted = Legacy.read(request, plane.settings.old());
      if (!wanted.source().equals(found.source())
          || !wanted.destination().equalsIgnoreCase(found.destination())) {
        refuseDuplicate(wanted.source(), wanted.destination());
        plane.intentions.remove(found.source(), found.destination());
      }
      return store(wanted);
    }
    return rule.map(found -> ApiResponse.json(found.json(plane.settings.old())))
        .orElseThrow(() -> new ApiError(404, "Intention not found"));
  }

  private ApiResponse exact(ApiRequest request) {
    if (plane.settings.old()) {
      // 1.8 takes the word for an id.
      return byId(request, "exact");
    }
    for (String name : List.of("source", "destination")) {
      if (!request.has(name)) {
        throw new ApiError(500, "required query parameter '" + name + "' not set");
      }
    }
    String source = request.parameter("source");
    String destination = request.parameter("destination");
    Rights rights = plane.rights(request);
    Rights.require(
        request.method().equals("GET")
            ? rights.intentionRead(destination)
            : rights.intentionWrite(destination));
    return switch (request.method()) {
      case "GET" ->
          plane
              .intentions
              .exact(source, destination)
              .map(rule -> ApiResponse.json(rule.json(false)))
              .orElseThrow(() -> new ApiError(404, "Intention not found"));
      case "DELETE" -> {
        plane.intentions.remove(source, destination);
        yield ApiResponse.json(true);
      }
      default -> {
        putExact(source, destination, parse(request.body()));
        yield ApiResponse.json(true);
      }
    };
  }

  private void putExact(String source, String destination, JsonObject body) {
    String unknown = body.unknownBut(FIELDS);
    if (unknown != null && !unknown.equalsIgnoreCase("Permissions")) {
      throw ApiError.badRequest("Request decode failed: json: unknown field \"" + unknown + "\"");
    }
    if (body.has("Meta")) {
      throw new ApiError(500, "Meta must not be specified");
    }
    // The rule takes its old place in the destination's entry, or its place by precedence.
    List<IntentionRule> present =
        plane.intentions.entry(destination).map(IntentionStore.Entry::rules).orElse(List.of());
    int place = 0;
    while (place < present.size() && !present.get(place).source().equals(source)) {
      place++;
    }
    if (place == present.size()) {
      int precedence = IntentionRule.precedenceOf(source, destination);
      place = (int) present.stream().filter(rule -> rule.precedence() >= precedence).count();
    }
    String where = "Sources[" + place + "]";
    IntentionValidation.requireName(where + ".Name", source);
    IntentionValidation.requireName("Name", destination);
    Map<String, @Nullable Object> wanted = new LinkedHashMap<>();
    wanted.put("Name", source);
    for (String field : List.of("Action", "Permissions", "Description")) {
      if (body.has(field)) {
        wanted.put(field, body.get(field));
      }
    }
    Object type = body.get("SourceType");
    if (type != null) {
      wanted.put("Type", type);
    }
    Object entry =
        Json.object("Kind", "service-intentions", "Name", destination, "Sources", List.of(wanted));
    JsonObject rule =
        ConfigEntries.object(
            ConfigEntries.object(IntentionValidation.normalizeEntry(ConfigEntries.object(entry)))
                .list("Sources")
                .get(0));
    IntentionValidation.requireRule(where, rule, destination);
    List<?> permissions = rule.has("Permissions") ? rule.list("Permissions") : null;
    if (permissions != null) {
      plane.config.requireHttp(destination);
    }
    plane.intentions.put(
        source,
        destination,
        permissions == null ? rule.text("Action") : null,
        permissions,
        rule.text("Description"),
        Map.of(),
        false);
  }

  private static JsonObject parse(String body) {
    try {
      return JsonObject.parse(body);
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decode failed: " + e.getMessage());
    }
  }
}
