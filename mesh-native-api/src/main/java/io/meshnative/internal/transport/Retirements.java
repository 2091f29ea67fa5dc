package io.meshnative.internal.transport;

import io.meshnative.MeshException;
import io.meshnative.RetireListener;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who wants to know that the connections to a destination are about to be cut. Each is told once
 * for each withdrawal; the cut waits for them, but no longer than a second.
 */
public final class Retirements {
  private static final Logger LOG = System.getLogger("io.meshnative.revocation");
  private static final long PATIENCE_MILLIS = 1000;

  private final Callbacks callbacks;
  private final Map<Destination, List<RetireListener>> listeners = new ConcurrentHashMap<>();
  private final Map<Destination, CompletableFuture<Void>> told = new ConcurrentHashMap<>();

  Retirements(Callbacks callbacks) {
    this.callbacks = callbacks;
  }

  public Subscription subscribe(Destination destination, RetireListener listener) {
    listeners.computeIfAbsent(destination, d -> new CopyOnWriteArrayList<>()).add(listener);
    return () ->
        listeners.computeIfPresent(
            destination,
            (d, held) -> {
              held.remove(listener);
              return held.isEmpty() ? null : held;
            });
  }

  boolean concerns(Destination destination) {
    return listeners.containsKey(destination);
  }

  /** Tells the listeners, unless this withdrawal was told already, and runs the cut after them. */
  void tell(Destination destination, MeshException reason, Runnable cut) {
    inform(destination, reason).whenComplete((ok, failure) -> cut.run());
  }

  /** Entered before anybody is told: a listener may run at once, and may come back here. */
  private CompletableFuture<Void> inform(Destination destination, MeshException reason) {
    CompletableFuture<Void> heard = new CompletableFuture<>();
    CompletableFuture<Void> earlier = told.putIfAbsent(destination, heard);
    if (earlier != null) {
      return earlier;
    }
    listening(destination, reason).whenComplete((ok, failure) -> heard.complete(null));
    return heard;
  }

  private CompletableFuture<Void> listening(Destination destination, MeshException reason) {
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (RetireListener listener : listeners.getOrDefault(destination, List.of())) {
      all.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  listener.onRetire(destination, reason);
                } catch (RuntimeException | Error e) {
                  LOG.log(
                      Level.WARNING,
                      "a retire listener of " + destination + " failed; the cut goes on",
                      e);
                }
              },
              callbacks));
    }
    return CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0]))
        .orTimeout(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  /**
   * Tells of destinations that may not be called any more though no connection is open; forgets
   * what is right again.
   */
  void sweep(Function<Destination, @Nullable MeshException> refusal) {
    told.keySet().removeIf(destination -> refusal.apply(destination) == null);
    for (Destination destination : listeners.keySet()) {
      MeshException reason = refusal.apply(destination);
      if (reason != null) {
        inform(destination, reason);
      }
    }
  }
}
