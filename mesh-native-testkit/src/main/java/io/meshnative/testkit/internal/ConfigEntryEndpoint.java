package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.IntentionStore.Entry;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Config entries, of which there is the kind {@code service-intentions} only. */
final class ConfigEntryEndpoint implements Endpoint {
  private static final String KIND = "service-intentions";
  private static final Set<String> FIELDS =
      Set.of("Kind", "Name", "Sources", "Meta", "CreateIndex", "ModifyIndex");
  private static final Set<String> SOURCE_FIELDS =
      Set.of("Name", "Action", "Permissions", "Precedence", "Type", "Description", "LegacyID");

  private final Plane plane;

  ConfigEntryEndpoint(Plane plane) {
    this.plane = plane;
  }

  @Override
  public @Nullable ApiResponse answer(ApiRequest request) throws InterruptedException {
    if (request.path().equals("/v1/config")) {
      Plane.allowOnly(request, "PUT");
      return put(request);
    }
    if (!request.path().startsWith("/v1/config/")) {
      return null;
    }
    requireKind(request.segment(2), 500, "");
    String name = request.segment(3);
    if (name.isEmpty()) {
      Plane.allowOnly(request, "GET");
      return list(request);
    }
    Plane.allowOnly(request, "GET", "DELETE");
    if (request.method().equals("DELETE")) {
      plane.intentions.removeEntry(name);
      return ApiResponse.json(Json.object());
    }
    return get(request, name);
  }

  private void requireKind(String kind, int status, String prefix) {
    if (!kind.equals(KIND) || plane.settings.old()) {
      throw new ApiError(status, prefix + "invalid config entry kind: " + kind);
    }
  }

  private ApiResponse put(ApiRequest request) {
    JsonObject body;
    try {
      body = JsonObject.parse(request.body());
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
    requireKind(body.text("Kind"), 400, "Bad request: Request decoding failed: ");
    IntentionValidation.refuseUnknown("", body, FIELDS);
    String name = body.text("Name");
    IntentionValidation.requireName("Name", name);
    List<IntentionRule> rules = rules(body, name, IntentionValidation.meta(body));
    long expected = casIndex(request);
    boolean stored =
        plane.index.locked(() -> {
          long present = plane.intentions.entry(name).map(Entry::modifyIndex).orElse(0L);
          if (expected >= 0 && expected != present) {
            return false;
          }
          plane.intentions.putEntry(name, IntentionValidation.meta(body), rules);
          return true;
        });
    return ApiResponse.json(stored);
  }

  private static long casIndex(ApiRequest request) {
    try {
      return request.has("cas") ? Long.parseLong(request.parameter("cas")) : -1;
    } catch (NumberFormatException e) {
      throw ApiError.badRequest("Failed to parse cas value: " + request.parameter("cas"));
    }
  }

  private List<IntentionRule> rules(
      JsonObject body, String destination, Map<String, @Nullable Object> meta) {
    if (body.list("Sources").isEmpty()) {
      throw new ApiError(500, "At least one source is required");
    }
    List<IntentionRule> rules = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Object tree : body.list("Sources")) {
      String where = "Sources[" + rules.size() + "]";
      JsonObject source = object(tree);
      IntentionValidation.refuseUnknown(where, source, SOURCE_FIELDS);
      String name = source.text("Name");
      IntentionValidation.requireName(where + ".Name", name);
      if (!seen.add(name)) {
        throw new ApiError(500, where + " defines \"" + name + "\" more than once");
      }
      IntentionValidation.requireRule(where, source, destination);
      List<?> permissions = source.has("Permissions") ? source.list("Permissions") : null;
      rules.add(
          plane.intentions.draft(
              name,
              destination,
              permissions == null ? source.text("Action") : null,
              permissions,
              source.text("Description"),
              meta));
    }
    return rules;
  }

  private static JsonObject object(@Nullable Object tree) {
    try {
      return JsonObject.of(tree);
    } catch (Json.MalformedJson e) {
      throw ApiError.badRequest("Request decoding failed: " + e.getMessage());
    }
  }

  private ApiResponse get(ApiRequest request, String name) throws InterruptedException {
    plane.block(request, () -> plane.intentions.indexFor(List.of(name)), Plane::neverDue);
    return plane.snapshot(() -> {
      Optional<Entry> entry = plane.intentions.entry(name);
      ApiResponse response =
          entry
              .map(found -> ApiResponse.json(json(found)))
              .orElseGet(() ->
                  ApiResponse.text(
                      404, "Config entry not found for \"" + KIND + "\" / \"" + name + "\""));
      long index = entry.map(Entry::modifyIndex).orElseGet(plane.intentions::tableIndex);
      return plane.query(response, index, true, "blocking-query");
    });
  }

  private ApiResponse list(ApiRequest request) throws InterruptedException {
    plane.block(request, plane.intentions::tableIndex, Plane::neverDue);
    return plane.snapshot(() -> {
      List<Object> all = new ArrayList<>();
      plane.intentions.entries().forEach(entry -> all.add(json(entry)));
      return plane.query(
          ApiResponse.json(all), plane.intentions.tableIndex(), true, "blocking-query");
    });
  }

  private static Map<String, @Nullable Object> json(Entry entry) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("Kind", KIND);
    json.put("Name", entry.name());
    json.put("Sources", entry.rules().stream().map(IntentionRule::sourceJson).toList());
    if (!entry.meta().isEmpty()) {
      json.put("Meta", entry.meta());
    }
    json.put("CreateIndex", entry.createIndex());
    json.put("ModifyIndex", entry.modifyIndex());
    return json;
  }
}
