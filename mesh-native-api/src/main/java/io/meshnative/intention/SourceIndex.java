package io.meshnative.intention;

import io.meshnative.identity.ConsulId;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Finds the intention that decides for a caller of the own cluster.
 *
 * <p>Invariant: whatever a lookup meets first, going from the exact name to the namespace's
 * wildcard to the partition's wildcard, is the winner. It holds because intentions are added in the
 * order in which they decide, and one is left out if a broader one that decides before it is there
 * already. So a lookup is at most three hash lookups; it neither compares precedences nor
 * allocates.
 *
 * <p>{@link HashMap} and not {@link Map#copyOf}: its buckets become trees when many names collide.
 * It is never changed once the table is built, and published by a final field.
 */
final class SourceIndex {
  private static final String DEFAULT = "default";

  private final Map<String, Partition> partitions = new HashMap<>();

  private static final class Partition {
    private final Map<String, Namespace> namespaces = new HashMap<>();
    private @Nullable CompiledIntention any;
  }

  private static final class Namespace {
    private final Map<String, CompiledIntention> names = new HashMap<>();
    private @Nullable CompiledIntention any;
  }

  /**
   * Adds an intention that decides after all that were added before. Called while compiling only.
   */
  void add(CompiledIntention compiled) {
    Intention.Source source = compiled.intention().orElseThrow().source();
    if (!source.peer().isEmpty()) {
      return; // about callers of another cluster; a caller of this one never matches it
    }
    Partition partition =
        partitions.computeIfAbsent(partition(source.partition()), key -> new Partition());
    if (partition.any != null) {
      return;
    }
    String namespaceName = namespace(source.namespace());
    if (namespaceName.equals(Intention.WILDCARD)) {
      partition.any = compiled;
      return;
    }
    Namespace namespace =
        partition.namespaces.computeIfAbsent(namespaceName, key -> new Namespace());
    if (namespace.any != null) {
      return;
    }
    if (source.name().equals(Intention.WILDCARD)) {
      namespace.any = compiled;
      return;
    }
    namespace.names.putIfAbsent(source.name(), compiled);
  }

  /** Returns the intention that decides, null if none is about this caller. */
  @Nullable CompiledIntention find(ConsulId.Service caller) {
    Partition partition = partitions.get(caller.partition());
    if (partition == null) {
      partition = partitions.get(partition(caller.partition()));
      if (partition == null) {
        return null;
      }
    }
    Namespace namespace = partition.namespaces.get(caller.namespace());
    if (namespace != null) {
      CompiledIntention exact = namespace.names.get(caller.service());
      if (exact != null) {
        return exact;
      }
      if (namespace.any != null) {
        return namespace.any;
      }
    }
    return partition.any;
  }

  /** Partitions have no letter case: Consul lower-cases them in the ids that it issues. */
  static String partition(String name) {
    return name.isEmpty() ? DEFAULT : name.toLowerCase(Locale.ROOT);
  }

  static String namespace(String name) {
    return name.isEmpty() ? DEFAULT : name;
  }
}
