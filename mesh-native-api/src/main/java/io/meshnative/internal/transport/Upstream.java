package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A destination in use: its watch, its endpoints, and who wants to hear of them. */
final class Upstream implements Sink<EndpointSet> {
  private static final Logger LOG = System.getLogger("io.meshnative.endpoints");
  private static final int MAX_WAITING = 64;

  private final EndpointPool pool;
  private final Supplier<Instant> now;
  private final Consumer<MeshEvent> events;
  private final CompletableFuture<Void> first = new CompletableFuture<>();
  private final Callbacks callbacks;
  private final List<Delivery> deliveries = new CopyOnWriteArrayList<>();
  private final ReentrantLock delivering = new ReentrantLock();
  private volatile long lastUsedNanos = System.nanoTime();
  private volatile @Nullable IOException failure;
  private volatile EndpointSource.@Nullable Watch watch;

  /**
   * One consumer. It is called on the executor, in order and one at a time: what it does delays
   * neither the watch nor the other consumers.
   */
  private final class Delivery {
    private final Consumer<EndpointSet> consumer;
    private final Queue<EndpointSet> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger pending = new AtomicInteger();
    private volatile boolean ended;

    Delivery(Consumer<EndpointSet> consumer) {
      this.consumer = consumer;
    }

    void offer(EndpointSet set) {
      if (pending.get() > MAX_WAITING) {
        waiting.poll(); // the newest counts
      }
      waiting.add(set);
      if (pending.getAndIncrement() == 0) {
        callbacks.execute(this::drain);
      }
    }

    private void drain() {
      do {
        EndpointSet set = waiting.poll();
        if (set != null && !ended) {
          try {
            consumer.accept(set);
          } catch (RuntimeException | Error e) {
            LOG.log(
                Level.WARNING,
                "a consumer of the endpoints of " + pool.destination() + " failed",
                e);
          }
        }
      } while (pending.decrementAndGet() > 0);
    }
  }

  Upstream(
      Destination destination,
      Supplier<Instant> now,
      Callbacks callbacks,
      Consumer<MeshEvent> events) {
    this.pool = EndpointPool.of(destination);
    this.callbacks = callbacks;
    this.now = now;
    this.events = events;
  }

  void start(EndpointSource source) {
    watch = source.watch(pool.destination(), this);
  }

  void stop() {
    EndpointSource.Watch running = watch;
    if (running != null) {
      running.close();
    }
  }

  /** The client is closed: nobody waits here any more. */
  void end() {
    first.completeExceptionally(new CancellationException("the mesh client was closed"));
    stop();
  }

  @Override
  public void accept(EndpointSet set) {
    delivering.lock();
    try {
      boolean changed = !set.equals(pool.endpoints().orElse(null));
      if (changed) {
        pool.update(set);
        events.accept(new MeshEvent.EndpointsChanged(now.get(), set));
        deliveries.forEach(delivery -> delivery.offer(set));
      }
    } finally {
      delivering.unlock();
    }
    if (failure != null) {
      failure = null;
      events.accept(new MeshEvent.ControlPlaneRecovered(now.get(), source()));
    }
    first.complete(null);
  }

  @Override
  public void failed(IOException cause) {
    IOException before = failure;
    failure = cause;
    if (before == null || !Objects.equals(before.getMessage(), cause.getMessage())) {
      events.accept(new MeshEvent.ControlPlaneFailed(now.get(), source(), cause));
    }
  }

  private String source() {
    return "endpoints of " + pool.destination();
  }

  EndpointPool pool() {
    touch();
    return pool;
  }

  void touch() {
    lastUsedNanos = System.nanoTime();
  }

  Optional<EndpointSet> endpoints() {
    return pool.endpoints();
  }

  @Nullable IOException failure() {
    return failure;
  }

  /** Waits for the first set; false if the budget has passed. */
  boolean await(Deadline budget) throws IOException {
    try {
      first.get(budget.remainingMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException | CancellationException e) {
      throw new MeshNotReadyException(
          "expected the endpoints of "
              + pool.destination()
              + ", found the mesh client closed while waiting",
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new java.io.InterruptedIOException(
          "interrupted while waiting for the endpoints of " + pool.destination());
    }
  }

  /** Delivers the set known now and each new one. */
  Subscription subscribe(Consumer<EndpointSet> consumer) {
    Delivery delivery = new Delivery(consumer);
    delivering.lock();
    try {
      deliveries.add(delivery);
      pool.endpoints().ifPresent(delivery::offer);
    } finally {
      delivering.unlock();
    }
    return () -> {
      delivery.ended = true;
      deliveries.remove(delivery);
    };
  }

  boolean isIdle(long nanos) {
    return deliveries.isEmpty() && System.nanoTime() - lastUsedNanos > nanos;
  }
}
