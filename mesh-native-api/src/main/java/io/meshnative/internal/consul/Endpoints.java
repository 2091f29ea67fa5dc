package io.meshnative.internal.consul;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Watches upstreams. A blocked call holds a thread and a connection, and the agent limits
 * connections per address: {@value #SLOTS} destinations block, the others take turns on one thread
 * with reads of the agent's cache, until a slot is free.
 */
final class Endpoints implements EndpointSource {
  static final int SLOTS = 16;

  /**
   * At most ten reads a second by those that take turns, and each of them at most once a second.
   */
  private static final Duration TURN = Duration.ofMillis(100);

  private static final Duration NOBODY = Duration.ofSeconds(1);

  private final Wiring wiring;
  private final Roots roots;
  private final Leaf leaf;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private final Set<Upstream> blocking = new LinkedHashSet<>();
  private final Set<Upstream> rotating = new LinkedHashSet<>();
  private @Nullable WatchThread rotation;
  private boolean closed;

  Endpoints(Wiring wiring, Roots roots, Leaf leaf) {
    this.wiring = wiring;
    this.roots = roots;
    this.leaf = leaf;
  }

  @Override
  public Watch watch(Destination destination, Sink<EndpointSet> sink) {
    Upstream upstream = new Upstream(destination, sink);
    lock.lock();
    try {
      if (!closed) {
        roots.ensureStarted();
        if (blocking.size() < SLOTS) {
          blocking.add(upstream);
          upstream.block();
        } else {
          rotating.add(upstream);
          upstream.rotate();
          if (rotation == null) {
            rotation = wiring.start("endpoints-rotating", new Calls(), this::turn);
          }
        }
      }
    } finally {
      lock.unlock();
    }
    return upstream;
  }

  /** One turn of the rotating thread: reads the destination that is due the longest. */
  Duration turn() throws InterruptedException {
    Upstream next = null;
    lock.lock();
    try {
      for (Upstream each : rotating) {
        if (next == null || each.dueAt - next.dueAt < 0) {
          next = each;
        }
      }
    } finally {
      lock.unlock();
    }
    if (next == null) {
      return NOBODY;
    }
    long until = next.dueAt - wiring.clock().nanoTime();
    if (until > 0) {
      return Duration.ofNanos(Math.min(until, NOBODY.toNanos()));
    }
    Duration pause = next.poll();
    next.dueAt = wiring.clock().nanoTime() + pause.toNanos();
    return TURN;
  }

  /** The number of destinations that block, and of those that take turns. */
  int[] load() {
    lock.lock();
    try {
      return new int[] {blocking.size(), rotating.size()};
    } finally {
      lock.unlock();
    }
  }

  private void end(Upstream upstream) {
    lock.lock();
    try {
      rotating.remove(upstream);
      boolean freed = blocking.remove(upstream);
      if (freed && !closed && !rotating.isEmpty()) {
        Upstream promoted = rotating.iterator().next();
        rotating.remove(promoted);
        blocking.add(promoted);
        promoted.block();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    List<Upstream> all = new ArrayList<>();
    WatchThread turns;
    lock.lock();
    try {
      closed = true;
      all.addAll(blocking);
      all.addAll(rotating);
      turns = rotation;
    } finally {
      lock.unlock();
    }
    all.forEach(Upstream::cancel); // all first, then each is waited for
    if (turns != null) {
      turns.close();
    }
    all.forEach(Upstream::close);
  }

  /** A destination that is watched. */
  private final class Upstream implements Watch, Target<EndpointSet> {
    private final Destination destination;
    private final Sink<EndpointSet> sink;
    private final ReentrantLock pushing = new ReentrantLock();
    private volatile @Nullable Calls calls;
    private volatile @Nullable WatchThread thread;
    private volatile io.meshnative.internal.consul.@Nullable Watch<EndpointSet> turns;
    private volatile boolean ended;

    /** When its next turn is due; written by the rotating thread only. */
    private volatile long dueAt;

    Upstream(Destination destination, Sink<EndpointSet> sink) {
      this.destination = destination;
      this.sink = sink;
    }

    void block() {
      cancel(); // of the turns that it may have taken
      Calls own = new Calls();
      calls = own;
      var watch =
          new io.meshnative.internal.consul.Watch<>(
              new HealthQuery(wiring, own, roots, leaf, destination, false),
              this,
              own,
              wiring.steady());
      thread = wiring.start("endpoints-" + destination.service(), own, watch::step);
    }

    void rotate() {
      Calls own = new Calls();
      calls = own;
      turns =
          new io.meshnative.internal.consul.Watch<>(
              new HealthQuery(wiring, own, roots, leaf, destination, true),
              this,
              own,
              wiring.steady());
      dueAt = wiring.clock().nanoTime();
    }

    Duration poll() throws InterruptedException {
      var watch = turns;
      return watch == null || ended ? NOBODY : watch.poll();
    }

    @Override
    public void accept(EndpointSet value, boolean reconnected) throws InvalidUpdateException {
      pushing.lock();
      try {
        if (!ended) {
          sink.accept(value);
        }
      } finally {
        pushing.unlock();
      }
    }

    @Override
    public void failed(IOException cause) {
      pushing.lock();
      try {
        if (!ended) {
          sink.failed(cause);
        }
      } finally {
        pushing.unlock();
      }
    }

    void cancel() {
      Calls running = calls;
      if (running != null) {
        running.cancel();
      }
    }

    @Override
    public void close() {
      if (ended) {
        return;
      }
      ended = true;
      end(this);
      cancel();
      WatchThread running = thread;
      if (running != null) {
        running.close();
      }
    }
  }
}
