package io.meshnative.internal.transport;

import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.Terms;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.security.cert.X509Certificate;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The connections that are open, and by which leaf their peers are known. Iterated while it
 * changes: whoever is in from before the first step until after the last is met.
 */
final class Registry implements Iterable<LiveConnection> {
  private final Set<LiveConnection> live = ConcurrentHashMap.newKeySet();
  private final Map<X509Certificate, Set<LiveConnection>> byLeaf = new ConcurrentHashMap<>();
  private final ReferenceQueue<MeshEngine> dropped = new ReferenceQueue<>();

  /** Where the connections of engines come that were dropped without being closed. */
  ReferenceQueue<MeshEngine> dropped() {
    return dropped;
  }

  /** By its leaf first: a sweep, which meets it only afterwards, removes it from both. */
  void add(LiveConnection connection) {
    byLeaf.compute(
        connection.proof().leaf(),
        (leaf, held) -> {
          Set<LiveConnection> set = held == null ? ConcurrentHashMap.newKeySet() : held;
          set.add(connection);
          return set;
        });
    live.add(connection);
  }

  /** For good; nothing is to be held by the connection any more. */
  void remove(LiveConnection connection) {
    connection.markOver();
    live.remove(connection);
    byLeaf.computeIfPresent(
        connection.proof().leaf(),
        (leaf, held) -> {
          held.remove(connection);
          return held.isEmpty() ? null : held;
        });
  }

  /** A connection whose caller has proven this leaf. */
  @Nullable LiveConnection caller(X509Certificate leaf) {
    for (LiveConnection connection : byLeaf.getOrDefault(leaf, Set.of())) {
      // Whom we may call may not therefore call us: only what was judged as a caller counts.
      if (connection.terms() instanceof Terms.Inbound && !connection.isOver()) {
        return connection;
      }
    }
    return null;
  }

  /** Those whose engines were dropped since the last time. */
  void eachDropped(Consumer<LiveConnection> end) {
    for (Reference<? extends MeshEngine> gone = dropped.poll();
        gone != null;
        gone = dropped.poll()) {
      end.accept((LiveConnection) gone);
    }
  }

  boolean isEmpty() {
    return live.isEmpty();
  }

  @Override
  public Iterator<LiveConnection> iterator() {
    return live.iterator();
  }
}
