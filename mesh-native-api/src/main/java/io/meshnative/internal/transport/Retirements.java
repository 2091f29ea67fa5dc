package io.meshnative.internal.transport;

import io.meshnative.MeshException;
import io.meshnative.RetireListener;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Who wants to know that the connections to a destination are about to be cut. Each is told once
 * for each withdrawal; the cut waits for them, but no longer than a second, measured by the
 * client's own timer: one that the whole JVM shares could be held up by anybody.
 */
public final class Retirements {
  private static final Logger LOG = System.getLogger("io.meshnative.revocation");
  private static final long PATIENCE_MILLIS = 1000;

  private final Callbacks callbacks;
  private final ScheduledExecutorService scheduler;
  private final Map<Destination, List<Hearer>> hearers = new ConcurrentHashMap<>();
  private final Map<Destination, CompletableFuture<Void>> told = new ConcurrentHashMap<>();

  Retirements(Callbacks callbacks, ScheduledExecutorService scheduler) {
    this.callbacks = callbacks;
    this.scheduler = scheduler;
  }

  /** One withdrawal, on its way to those who hear it. */
  private record News(
      Destination destination,
      MeshException reason,
      AtomicInteger unheard,
      CompletableFuture<Void> heard) {
    void countDown() {
      if (unheard.decrementAndGet() == 0) {
        heard.complete(null);
      }
    }
  }

  /**
   * One subscription. Its listener runs once at a time, and of the news that come meanwhile the
   * newest waits: a listener that hangs costs one thread, however often rights come and go.
   */
  private static final class Hearer {
    private final RetireListener listener;
    private final ReentrantLock lock = new ReentrantLock();
    private boolean running;
    private @Nullable News waiting;

    Hearer(RetireListener listener) {
      this.listener = listener;
    }

    void tell(News news, Callbacks callbacks) {
      lock.lock();
      try {
        if (running) {
          waiting = news;
          return;
        }
        running = true;
      } finally {
        lock.unlock();
      }
      callbacks.execute(() -> hear(news));
    }

    private void hear(News first) {
      for (News news = first; news != null; news = next()) {
        try {
          listener.onRetire(news.destination(), news.reason());
        } catch (RuntimeException | Error e) {
          LOG.log(
              Level.WARNING,
              "a retire listener of " + news.destination() + " failed; the cut goes on",
              e);
        }
        news.countDown();
      }
    }

    private @Nullable News next() {
      lock.lock();
      try {
        News next = waiting;
        waiting = null;
        running = next != null;
        return next;
      } finally {
        lock.unlock();
      }
    }
  }

  public Subscription subscribe(Destination destination, RetireListener listener) {
    Hearer hearer = new Hearer(listener);
    hearers.compute(
        destination,
        (d, held) -> {
          List<Hearer> list = held == null ? new CopyOnWriteArrayList<>() : held;
          list.add(hearer);
          return list;
        });
    return () ->
        hearers.computeIfPresent(
            destination,
            (d, held) -> {
              held.remove(hearer);
              return held.isEmpty() ? null : held;
            });
  }

  boolean concerns(Destination destination) {
    return hearers.containsKey(destination);
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
    List<Hearer> all = List.copyOf(hearers.getOrDefault(destination, List.of()));
    if (all.isEmpty()) {
      heard.complete(null);
      return heard;
    }
    limit(heard);
    News news = new News(destination, reason, new AtomicInteger(all.size()), heard);
    all.forEach(hearer -> hearer.tell(news, callbacks));
    return heard;
  }

  private void limit(CompletableFuture<Void> heard) {
    try {
      ScheduledFuture<?> limit =
          scheduler.schedule(() -> heard.complete(null), PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      heard.whenComplete((ok, failure) -> limit.cancel(false));
    } catch (RejectedExecutionException e) {
      heard.complete(null); // the client is closing: nobody is waited for any more
    }
  }

  /**
   * Tells of destinations that may not be called any more though no connection is open; forgets
   * what is right again.
   */
  void sweep(Function<Destination, @Nullable MeshException> refusal) {
    told.keySet().removeIf(destination -> refusal.apply(destination) == null);
    for (Destination destination : hearers.keySet()) {
      MeshException reason = refusal.apply(destination);
      if (reason != null) {
        inform(destination, reason);
      }
    }
  }
}
