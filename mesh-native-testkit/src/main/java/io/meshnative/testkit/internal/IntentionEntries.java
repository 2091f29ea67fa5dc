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

/** Intentions as config entries, one for each destination: how Consul keeps them since 1.9. */
final class IntentionEntries {
  private static final String KIND = "service-intentions";

  private final Plane plane;

  IntentionEntries(Plane plane) {
    this.plane = plane;
  }

  /** Writes an entry if the one that is there has the expected index; -1 for any. */
  boolean put(JsonObject body, long expected) {
    JsonObject entry = ConfigEntries.object(IntentionValidation.normalizeEntry(body));
    String name = entry.text("Name");
    IntentionValidation.requireName("Name", name);
    Map<String, @Nullable Object> meta = IntentionValidation.meta(entry);
    List<IntentionRule> rules = rules(entry, name, meta);
    return plane.index.locked(() -> {
      if (rules.stream().anyMatch(rule -> rule.permissions() != null)) {
        plane.config.requireHttp(name);
      }
      long present = plane.intentions.entry(name).map(Entry::modifyIndex).orElse(0L);
      if (expected >= 0 && expected != present) {
        return false;
      }
      plane.intentions.putEntry(name, meta, rules);
      return true;
    });
  }

  private List<IntentionRule> rules(
      JsonObject entry, String destination, Map<String, @Nullable Object> meta) {
    if (entry.list("Sources").isEmpty()) {
      throw new ApiError(500, "At least one source is required");
    }
    List<IntentionRule> rules = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Object tree : entry.list("Sources")) {
      String where = "Sources[" + rules.size() + "]";
      JsonObject source = ConfigEntries.object(tree);
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

  ApiResponse get(ApiRequest request, String name) throws InterruptedException {
    plane.block(request, () -> plane.intentions.indexFor(List.of(name)), Plane::neverDue);
    return plane.snapshot(() -> {
      Optional<Entry> entry = plane.intentions.entry(name);
      ApiResponse response =
          entry
              .map(found -> ApiResponse.json(json(found)))
              .orElseGet(() -> ConfigEntryEndpoint.missing(KIND, name));
      long index = entry.map(Entry::modifyIndex).orElseGet(plane::configIndex);
      return plane.query(response, index, true, "blocking-query");
    });
  }

  ApiResponse list(ApiRequest request) throws InterruptedException {
    plane.block(request, plane.intentions::tableIndex, Plane::neverDue);
    return plane.snapshot(() -> {
      List<Object> all = new ArrayList<>();
      Rights rights = plane.rights(request);
      plane.intentions.entries().stream()
          .filter(entry -> rights.intentionRead(entry.name()))
          .forEach(entry -> all.add(json(entry)));
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
