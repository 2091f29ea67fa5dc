package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ConfigEntries.Entry;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The config entries but for intentions.
 *
 * <p>Invariant: every chain compiles, and every destination whose intentions have permissions
 * speaks HTTP; a write that would break this is refused as a whole. Guarded by the {@link
 * BlockingIndex}'s lock; every public method takes it.
 */
public final class ConfigStore {
  private final BlockingIndex index;
  private final PlaneSettings settings;
  private final IntentionStore intentions;
  private final Map<String, Long> changedAt = new HashMap<>();
  private ConfigEntries entries = ConfigEntries.none();
  private long tableIndex;

  public ConfigStore(BlockingIndex index, PlaneSettings settings, IntentionStore intentions) {
    this.index = index;
    this.settings = settings;
    this.intentions = intentions;
  }

  ConfigEntries entries() {
    return index.locked(() -> entries);
  }

  /** The index of the latest write. */
  public long tableIndex() {
    return index.locked(() -> tableIndex);
  }

  private static String key(String kind, String name) {
    return kind + "/" + name.toLowerCase(java.util.Locale.ROOT);
  }

  /** The index that a watch of one entry compares. */
  long indexFor(String kind, String name) {
    return index.locked(() -> changedAt.getOrDefault(key(kind, name), 0L));
  }

  /**
   * Writes an entry as it was normalized.
   *
   * @param expected the index that the entry must have now, 0 for none; -1 for any
   * @return whether it was written, which it was not if the index is another
   * @throws ApiError if chains or intentions would break
   */
  boolean put(String kind, String name, Map<String, @Nullable Object> body, long expected) {
    return index.locked(() -> {
      Optional<Entry> present = entries.entry(kind, name);
      if (expected >= 0 && expected != present.map(Entry::modifyIndex).orElse(0L)) {
        return false;
      }
      Entry proposed = new Entry(kind, name, body, 0, 0);
      check(entries.with(proposed), name);
      long now = index.next();
      long created = present.map(Entry::createIndex).orElse(now);
      entries = entries.with(new Entry(kind, name, body, created, now));
      changed(kind, name, now);
      return true;
    });
  }

  /** Removes an entry. Does nothing if there is none. */
  void remove(String kind, String name) {
    index.locked(() -> {
      if (entries.entry(kind, name).isPresent()) {
        ConfigEntries proposed = entries.without(kind, name);
        check(proposed, name);
        entries = proposed;
        changed(kind, name, index.next());
      }
    });
  }

  private void changed(String kind, String name, long now) {
    changedAt.put(key(kind, name), now);
    tableIndex = now;
  }

  private void check(ConfigEntries proposed, String written) {
    SortedSet<String> names = new TreeSet<>(proposed.chained());
    compile(proposed, written);
    names.remove(written);
    names.forEach(name -> compile(proposed, name));
    for (IntentionStore.Entry entry : intentions.entries()) {
      if (entry.rules().stream().anyMatch(rule -> rule.permissions() != null)) {
        requireHttp(proposed, entry.name());
      }
    }
  }

  private void compile(ConfigEntries proposed, String name) {
    String dc = settings.datacenter();
    Object unused =
        new ChainCompiler(proposed, name, "domain", dc, dc, ChainCompiler.Overrides.NONE).compile();
  }

  /** Permissions are for destinations that speak HTTP only. */
  void requireHttp(String destination) {
    index.locked(() -> requireHttp(entries, destination));
  }

  private static void requireHttp(ConfigEntries entries, String destination) {
    String protocol = entries.protocol(destination);
    if (!ConfigEntries.isHttpLike(protocol)) {
      throw new ApiError(
          500,
          "service \"%s\" has protocol \"%s\", which is incompatible with L7 intentions permissions"
              .formatted(destination, protocol));
    }
  }

  /** What the Java API writes: a whole entry as JSON. */
  public void put(String json) {
    try {
      JsonObject body = JsonObject.parse(json);
      String kind = body.text("Kind");
      if (!EntrySchema.knows(kind, settings.old()) || kind.equals("service-intentions")) {
        throw new IllegalArgumentException(
            "expected a config entry of a kind that this plane serves besides intentions, found '"
                + kind
                + "'; intentions have their own methods");
      }
      Map<String, @Nullable Object> entry = EntrySchema.normalize(kind, settings.old(), body);
      boolean unused = put(kind, checkedName(kind, entry), entry, -1);
    } catch (Json.MalformedJson e) {
      throw new IllegalArgumentException("a config entry is a JSON object, not: " + json, e);
    } catch (ApiError e) {
      throw new IllegalArgumentException("Consul refuses the entry: " + e.getMessage(), e);
    }
  }

  /** Checks an entry by itself and says under which name it is stored. */
  static String checkedName(String kind, Map<String, @Nullable Object> entry) {
    JsonObject fields = ConfigEntries.object(entry);
    if (kind.equals(ConfigEntries.PROXY_DEFAULTS)) {
      // Whatever it is called, there is one, and it is global (l.1).
      entry.put("Name", "global");
    }
    EntryValidation.check(kind, ConfigEntries.object(entry));
    return kind.equals("mesh")
        ? "mesh"
        : kind.equals(ConfigEntries.PROXY_DEFAULTS) ? "global" : fields.text("Name");
  }

  /** Counts low again; the entries stay. */
  public void restart() {
    index.locked(() -> {
      changedAt.clear();
      tableIndex = 0;
      List<Entry> all = entries.all();
      for (Entry entry : all) {
        long now = index.next();
        entries =
            entries.with(
                new Entry(entry.kind(), entry.name(), new LinkedHashMap<>(entry.body()), now, now));
        changed(entry.kind(), entry.name(), now);
      }
    });
  }
}
