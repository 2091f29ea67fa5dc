package io.meshnative.testkit.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The config entries but for intentions, as they are at one moment. Immutable, so that a proposed
 * change can be judged before it is made.
 */
public final class ConfigEntries {
  static final String SERVICE_DEFAULTS = "service-defaults";
  static final String PROXY_DEFAULTS = "proxy-defaults";
  static final String ROUTER = "service-router";
  static final String SPLITTER = "service-splitter";
  static final String RESOLVER = "service-resolver";

  /** A stored entry. {@code body} has neither indexes nor anything that is empty. */
  public record Entry(
      String kind,
      String name,
      Map<String, @Nullable Object> body,
      long createIndex,
      long modifyIndex) {
    /** As the agent shows it. */
    Map<String, @Nullable Object> json() {
      Map<String, @Nullable Object> json = new LinkedHashMap<>(body);
      json.put("CreateIndex", createIndex);
      json.put("ModifyIndex", modifyIndex);
      return json;
    }

    JsonObject fields() {
      return object(body);
    }
  }

  private final Map<String, Map<String, Entry>> kinds;

  private ConfigEntries(Map<String, Map<String, Entry>> kinds) {
    this.kinds = kinds;
  }

  static ConfigEntries none() {
    return new ConfigEntries(Map.of());
  }

  private static String key(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  ConfigEntries with(Entry entry) {
    Map<String, Entry> inner = new TreeMap<>(kinds.getOrDefault(entry.kind(), Map.of()));
    inner.put(key(entry.name()), entry);
    return replaced(entry.kind(), inner);
  }

  ConfigEntries without(String kind, String name) {
    Map<String, Entry> inner = new TreeMap<>(kinds.getOrDefault(kind, Map.of()));
    inner.remove(key(name));
    return replaced(kind, inner);
  }

  private ConfigEntries replaced(String kind, Map<String, Entry> inner) {
    Map<String, Map<String, Entry>> all = new TreeMap<>(kinds);
    all.put(kind, inner);
    return new ConfigEntries(all);
  }

  Optional<Entry> entry(String kind, String name) {
    return Optional.ofNullable(kinds.getOrDefault(kind, Map.of()).get(key(name)));
  }

  /** The entries of a kind, by name. */
  List<Entry> list(String kind) {
    return List.copyOf(kinds.getOrDefault(kind, Map.of()).values());
  }

  /** Everything, kind by kind. */
  List<Entry> all() {
    return kinds.values().stream().flatMap(inner -> inner.values().stream()).toList();
  }

  /** Every service that has an entry which shapes its chain. */
  SortedSet<String> chained() {
    SortedSet<String> names = new TreeSet<>();
    for (String kind : List.of(ROUTER, SPLITTER, RESOLVER)) {
      list(kind).forEach(entry -> names.add(entry.name()));
    }
    return names;
  }

  /** What a service speaks, by its own defaults, else by those of all proxies, else tcp. */
  String protocol(String service) {
    Optional<Entry> own = entry(SERVICE_DEFAULTS, service);
    String found =
        own.isPresent()
            ? own.get().fields().text("Protocol")
            : entry(PROXY_DEFAULTS, "global")
                .map(entry -> child(entry.fields(), "Config").text("protocol"))
                .orElse("");
    return found.isEmpty() ? "tcp" : found.toLowerCase(Locale.ROOT);
  }

  static boolean isHttpLike(String protocol) {
    return List.of("http", "http2", "grpc").contains(protocol);
  }

  /** A nested object of a stored entry, or an empty one. */
  static JsonObject child(JsonObject parent, String name) {
    Object value = parent.get(name);
    return object(value == null ? Map.of() : value);
  }

  /** A tree that is known to be an object, for it was checked when it was stored. */
  static JsonObject object(@Nullable Object tree) {
    try {
      return JsonObject.of(tree);
    } catch (Json.MalformedJson e) {
      throw new IllegalStateException("a stored config entry holds no object here: " + tree, e);
    }
  }
}
