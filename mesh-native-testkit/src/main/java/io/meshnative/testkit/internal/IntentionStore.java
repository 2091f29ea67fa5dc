package io.meshnative.testkit.internal;

import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Intentions, grouped by destination as {@code service-intentions} config entries are.
 *
 * <p>Destinations compare without regard to letter case, sources exactly (d.1). Deciding is a walk
 * over a sorted list, on purpose: it shares neither code nor idea with what it is compared to.
 * Guarded by the {@link BlockingIndex}'s lock; every public method takes it.
 */
public final class IntentionStore {
  /** A config entry of kind {@code service-intentions}. */
  public record Entry(
      String name,
      Map<String, @Nullable Object> meta,
      List<IntentionRule> rules,
      long createIndex,
      long modifyIndex) {}

  /** How an entry keeps its sources: highest precedence first, else as they were written (l.1). */
  private static final Comparator<IntentionRule> BY_PRECEDENCE =
      Comparator.comparingInt(IntentionRule::precedence).reversed();

  /** How they are matched: then by the names, which decides nothing but keeps the order. */
  private static final Comparator<IntentionRule> ORDER =
      BY_PRECEDENCE.thenComparing(IntentionRule::source).thenComparing(IntentionRule::destination);

  private final BlockingIndex index;
  private final Clock clock;
  private final Map<String, Entry> entries = new TreeMap<>();
  private final Map<String, Long> changedAt = new HashMap<>();
  private long tableIndex;
  private boolean hidden;

  public IntentionStore(BlockingIndex index, Clock clock) {
    this.index = index;
    this.clock = clock;
  }

  private static String key(String destination) {
    return destination.toLowerCase(Locale.ROOT);
  }

  /** Writes one rule into its destination's entry, in place of one of the same source. */
  public UUID put(
      String source,
      String destination,
      @Nullable String action,
      @Nullable List<?> permissions,
      String description,
      Map<String, @Nullable Object> meta,
      boolean legacy) {
    return index.locked(
        () -> store(source, destination, action, permissions, description, meta, null, legacy));
  }

  /** Writes an intention that is served exactly as given. */
  public void putRaw(String source, String destination, Map<String, @Nullable Object> raw) {
    index.locked(() -> {
      Object action = raw.get("Action");
      String text = action instanceof String given ? given : null;
      List<?> permissions = raw.get("Permissions") instanceof List<?> list ? list : null;
      store(source, destination, text, permissions, "", Map.of(), raw, false);
    });
  }

  private UUID store(
      String source,
      String destination,
      @Nullable String action,
      @Nullable List<?> permissions,
      String description,
      Map<String, @Nullable Object> meta,
      @Nullable Map<String, @Nullable Object> raw,
      boolean legacy) {
    Entry present = entries.get(key(destination));
    List<IntentionRule> rules = new ArrayList<>(present == null ? List.of() : present.rules());
    int place = 0;
    while (place < rules.size() && !rules.get(place).source().equals(source)) {
      place++;
    }
    // Rewriting a rule keeps its place, and its id, as a write by id does on a real agent.
    UUID id = place < rules.size() ? rules.get(place).id() : UUID.randomUUID();
    IntentionRule rule =
        new IntentionRule(
            id,
            source,
            destination,
            action,
            permissions,
            description,
            meta,
            raw,
            legacy,
            clock.instant(),
            0,
            0);
    if (place < rules.size()) {
      rules.set(place, rule);
    } else {
      rules.add(rule);
    }
    Map<String, @Nullable Object> entryMeta = present == null ? Map.of() : present.meta();
    write(present == null ? destination : present.name(), entryMeta, rules);
    return id;
  }

  /** Replaces a whole entry. */
  public void putEntry(String name, Map<String, @Nullable Object> meta, List<IntentionRule> rules) {
    index.locked(() -> write(name, meta, rules));
  }

  /** A rule that is not stored yet. */
  public IntentionRule draft(
      String source,
      String destination,
      @Nullable String action,
      @Nullable List<?> permissions,
      String description,
      Map<String, @Nullable Object> meta) {
    return new IntentionRule(
        UUID.randomUUID(),
        source,
        destination,
        action,
        permissions,
        description,
        meta,
        null,
        false,
        clock.instant(),
        0,
        0);
  }

  private void write(String name, Map<String, @Nullable Object> meta, List<IntentionRule> rules) {
    long now = index.next();
    Entry present = entries.get(key(name));
    long created = present == null ? now : present.createIndex();
    // All rules of an entry share its indexes: rewriting one source modifies its neighbours.
    List<IntentionRule> sorted =
        rules.stream().map(rule -> rule.indexed(created, now)).sorted(BY_PRECEDENCE).toList();
    entries.put(key(name), new Entry(name, meta, sorted, created, now));
    changed(name, now);
  }

  private void changed(String name, long now) {
    changedAt.put(key(name), now);
    tableIndex = now;
  }

  /** Removes one rule; the entry goes with its last. Says whether there was one. */
  public boolean remove(String source, String destination) {
    return index.locked(() -> {
      Entry present = entries.get(key(destination));
      if (present == null) {
        return false;
      }
      List<IntentionRule> rules =
          present.rules().stream().filter(rule -> !rule.source().equals(source)).toList();
      if (rules.size() == present.rules().size()) {
        return false;
      }
      if (rules.isEmpty()) {
        removeEntry(destination);
      } else {
        write(present.name(), present.meta(), rules);
      }
      return true;
    });
  }

  /** Removes a whole entry. Says whether there was one. */
  public boolean removeEntry(String destination) {
    return index.locked(() -> {
      boolean found = entries.remove(key(destination)) != null;
      if (found) {
        changed(destination, index.next());
      }
      return found;
    });
  }

  /** Removes everything. */
  public void clear() {
    index.locked(() -> List.copyOf(entries.keySet()).forEach(this::removeEntry));
  }

  /** Fault: there are no intentions, and the index is low, as after a restart with nothing. */
  public void hide(boolean on) {
    index.locked(() -> {
      if (hidden != on) {
        hidden = on;
        index.releaseAll();
      }
    });
  }

  /** Counts low again; the rules stay. */
  public void restart() {
    index.locked(() -> {
      changedAt.clear();
      for (Entry entry : List.copyOf(entries.values())) {
        long now = index.next();
        List<IntentionRule> rules =
            entry.rules().stream().map(rule -> rule.indexed(now, now)).toList();
        entries.put(key(entry.name()), new Entry(entry.name(), entry.meta(), rules, now, now));
        changed(entry.name(), now);
      }
      tableIndex = entries.isEmpty() ? 0 : tableIndex;
    });
  }

  /** The index of the latest write of any entry. */
  public long tableIndex() {
    return index.locked(() -> hidden ? 1 : tableIndex);
  }

  /** The index of the latest write that concerns one of the destinations, wildcard entry too. */
  public long indexFor(List<String> destinations) {
    return index.locked(() ->
        hidden
            ? 1
            : Stream.concat(destinations.stream(), Stream.of("*"))
                .mapToLong(name -> changedAt.getOrDefault(key(name), 0L))
                .max()
                .orElse(0));
  }

  /** The rules that may decide for a destination, the deciding one of each source first. */
  public List<IntentionRule> matchDestination(String name) {
    return index.locked(() ->
        all()
            .filter(
                rule -> rule.destination().equals("*") || rule.destination().equalsIgnoreCase(name))
            .sorted(ORDER)
            .toList());
  }

  /** The rules that speak of a source. */
  public List<IntentionRule> matchSource(String name) {
    return index.locked(() ->
        all()
            .filter(rule -> rule.source().equals("*") || rule.source().equals(name))
            .sorted(ORDER)
            .toList());
  }

  /** Every rule. */
  public List<IntentionRule> list() {
    return index.locked(() -> all().sorted(ORDER).toList());
  }

  private Stream<IntentionRule> all() {
    return hidden
        ? Stream.empty()
        : entries.values().stream().flatMap(entry -> entry.rules().stream());
  }

  /** One rule by its exact names. */
  public Optional<IntentionRule> exact(String source, String destination) {
    return list().stream()
        .filter(rule -> rule.source().equals(source))
        .filter(rule -> rule.destination().equalsIgnoreCase(destination))
        .findFirst();
  }

  /** One rule by its id. */
  public Optional<IntentionRule> byId(String id) {
    return list().stream().filter(rule -> rule.id().toString().equals(id)).findFirst();
  }

  /** One entry. */
  public Optional<Entry> entry(String name) {
    return index.locked(
        () -> hidden ? Optional.empty() : Optional.ofNullable(entries.get(key(name))));
  }

  /** Every entry, by name. */
  public List<Entry> entries() {
    return index.locked(() -> hidden ? List.of() : List.copyOf(entries.values()));
  }

  /** The rule that decides, if any: of those that match the source, the first in order. */
  public Optional<IntentionRule> deciding(String source, String destination) {
    for (IntentionRule rule : matchDestination(destination)) {
      if (rule.source().equals("*") || rule.source().equals(source)) {
        return Optional.of(rule);
      }
    }
    return Optional.empty();
  }
}
