package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointPool;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A destination in use: its watch, its endpoints, and who wants to hear of them. */
final class Upstream implements Sink<EndpointSet> {
  private final EndpointPool pool;
  private final Supplier<Instant> now;
  private final Consumer<MeshEvent> events;
  private final CompletableFuture<Void> first = new CompletableFuture<>();
  private final List<Consumer<EndpointSet>> consumers = new CopyOnWriteArrayList<>();
  private final ReentrantLock delivering = new ReentrantLock();
  private volatile long lastUsedNanos = System.nanoTime();
  private volatile @Nullable IOException failure;
  private volatile EndpointSource.@Nullable Watch watch;

  Upstream(Destination destination, Supplier<Instant> now, Consumer<MeshEvent> events) {
    this.pool = EndpointPool.of(destination);
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

  @Override
  public void accept(EndpointSet set) {
    delivering.lock();
    try {
      boolean changed = !set.equals(pool.endpoints().orElse(null));
      if (changed) {
        pool.update(set);
        events.accept(new MeshEvent.EndpointsChanged(now.get(), set));
        consumers.forEach(consumer -> consumer.accept(set));
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
    boolean new0 = failure == null;
    failure = cause;
    if (new0) {
      events.accept(new MeshEvent.ControlPlaneFailed(now.get(), source(), cause));
    }
  }

  private String source() {
    return "endpoints of " + pool.destination();
  }

  EndpointPool pool() {
    lastUsedNanos = System.nanoTime();
    return pool;
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
    } catch (ExecutionException e) {
      throw new IllegalStateException("the first set never fails", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new java.io.InterruptedIOException(
          "interrupted while waiting for the endpoints of " + pool.destination());
    }
  }

  /** Delivers the set known now and each new one. */
  Subscription subscribe(Consumer<EndpointSet> consumer) {
    delivering.lock();
    try {
      consumers.add(consumer);
      pool.endpoints().ifPresent(consumer);
    } finally {
      delivering.unlock();
    }
    return () -> consumers.remove(consumer);
  }

  boolean isIdle(long nanos) {
    return consumers.isEmpty() && System.nanoTime() - lastUsedNanos > nanos;
  }
}
