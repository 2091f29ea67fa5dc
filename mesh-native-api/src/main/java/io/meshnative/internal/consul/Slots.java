package io.meshnative.internal.consul;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Shares threads and connections among watches of upstreams. A blocked call holds one of each, and
 * the agent limits connections per address: {@value #SLOTS} watches block, the others take turns on
 * one thread, until a slot is free. Thread-safe; calls nobody's code under its lock but what starts
 * a watch.
 */
final class Slots implements AutoCloseable {
  static final int SLOTS = 16;

  /**
   * At most ten reads a second by those that take turns, and each of them at most once a second.
   */
  private static final Duration TURN = Duration.ofMillis(100);

  /** The pause of a thread, or of one that takes turns, that has nothing to do. */
  static final Duration NOTHING_DUE = Duration.ofSeconds(1);

  /** Something that takes turns with others on one thread. */
  abstract static class Turn {
    private volatile long dueAt;

    /** Reads once, and returns how long to pause before the next turn. */
    abstract Duration poll() throws InterruptedException;
  }

  /** Something that blocks where it may, and else takes turns. */
  abstract static class Watcher extends Turn {
    /** Blocks from now on, on a thread of its own. */
    abstract void block();

    /** Takes turns from now on. */
    abstract void rotate();
  }

  private final Wiring wiring;
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private final Set<Watcher> blocking = new LinkedHashSet<>();
  private final Set<Watcher> rotating = new LinkedHashSet<>();
  private final Set<Turn> turning = new LinkedHashSet<>();
  private @Nullable WatchThread rotation;
  private boolean closed;

  Slots(Wiring wiring) {
    this.wiring = wiring;
  }

  /** Starts a watcher, in a slot or in turns. */
  void open(Watcher watcher) {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (blocking.size() < SLOTS) {
        blocking.add(watcher);
        watcher.block();
      } else {
        watcher.rotate();
        rotating.add(watcher);
        take(watcher, Duration.ZERO);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives turns to what never blocks, after a pause. */
  void open(Turn turn, Duration pause) {
    lock.lock();
    try {
      if (!closed) {
        take(turn, pause);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Under the lock. */
  private void take(Turn turn, Duration pause) {
    turn.dueAt = wiring.clock().nanoTime() + pause.toNanos();
    turning.add(turn);
    if (rotation == null) {
      rotation = wiring.start("endpoints-rotating", new Calls(), this::turn);
    }
  }

  /** Ends turns, and frees a slot for who waits the longest. */
  void end(Turn turn) {
    lock.lock();
    try {
      turning.remove(turn);
      rotating.remove(turn);
      boolean freed = blocking.remove(turn);
      if (freed && !closed && !rotating.isEmpty()) {
        Watcher promoted = rotating.iterator().next();
        rotating.remove(promoted);
        turning.remove(promoted);
        blocking.add(promoted);
        promoted.block();
      }
    } finally {
      lock.unlock();
    }
  }

  /** One turn: of whoever is due the longest. */
  private Duration turn() throws InterruptedException {
    Turn next = null;
    lock.lock();
    try {
      for (Turn each : turning) {
        next = next == null || each.dueAt - next.dueAt < 0 ? each : next;
      }
    } finally {
      lock.unlock();
    }
    if (next == null) {
      return NOTHING_DUE;
    }
    long until = next.dueAt - wiring.clock().nanoTime();
    if (until > 0) {
      return Duration.ofNanos(Math.min(until, NOTHING_DUE.toNanos()));
    }
    Duration pause = next.poll();
    next.dueAt = wiring.clock().nanoTime() + pause.toNanos();
    return TURN;
  }

  /** The number of watchers that block, and of those that take turns. */
  int[] load() {
    lock.lock();
    try {
      return new int[] {blocking.size(), rotating.size()};
    } finally {
      lock.unlock();
    }
  }

  /** Gives no slot and no turn any more; those who block end by themselves. */
  @Override
  public void close() {
    WatchThread turns;
    lock.lock();
    try {
      closed = true;
      turns = rotation;
    } finally {
      lock.unlock();
    }
    if (turns != null) {
      turns.close();
    }
  }
}
