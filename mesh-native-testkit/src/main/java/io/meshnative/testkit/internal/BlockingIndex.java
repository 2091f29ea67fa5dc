package io.meshnative.testkit.internal;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The plane's one counter of writes, its one lock, and the place where blocking queries wait.
 *
 * <p>All state of the plane is guarded by this lock, so that a response never mixes two moments.
 * Nothing does I/O under it.
 */
public final class BlockingIndex {
  /**
   * A waiter looks around at least this often: for a client that went away, and for things that
   * become due by the plane's clock, which may be a test's and so can fire no timer.
   */
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long last = 5;
  private long releases;
  private int waiting;
  private boolean closed;

  /** Runs under the lock. */
  public <T> T locked(Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }

  /** Runs under the lock. */
  public void locked(Runnable body) {
    lock.lock();
    try {
      body.run();
    } finally {
      lock.unlock();
    }
  }

  /** The index of a new write; wakes the waiters. Call with the lock held. */
  public long next() {
    requireLock();
    changed.signalAll();
    return ++last;
  }

  /** Starts counting low again, as a cluster restored from nothing. Call with the lock held. */
  public void restart() {
    requireLock();
    last = 1;
  }

  /** Ends every present wait without a change, as a server does that goes away. */
  public void releaseAll() {
    locked(() -> {
      releases++;
      changed.signalAll();
    });
  }

  /** Has every waiter look again, though nothing was written. */
  public void nudge() {
    locked(changed::signalAll);
  }

  /** Ends every present wait and every later one. */
  public void close() {
    locked(() -> {
      closed = true;
      changed.signalAll();
    });
  }

  /** How many calls wait now. */
  public int waiting() {
    return locked(() -> waiting);
  }

  /**
   * Waits until a condition holds, the time is over, the caller went away, or everybody is sent
   * home.
   *
   * @param ready evaluated with the lock held
   * @param dueNanos how long until the condition might hold by the passing of time alone; evaluated
   *     with the lock held
   * @param abandoned whether the client is gone; evaluated without the lock, for it does I/O
   */
  public void await(
      BooleanSupplier ready, Duration wait, LongSupplier dueNanos, BooleanSupplier abandoned)
      throws InterruptedException {
    long deadline = System.nanoTime() + wait.toNanos();
    long lookAround = System.nanoTime() + SLICE_NANOS;
    lock.lock();
    waiting++;
    try {
      long before = releases;
      while (!closed && releases == before && !ready.getAsBoolean()) {
        long now = System.nanoTime();
        if (deadline - now <= 0) {
          return;
        }
        if (lookAround - now <= 0) {
          lookAround = now + SLICE_NANOS;
          if (goneWithoutLock(abandoned)) {
            return;
          }
          continue;
        }
        long nap = Math.min(deadline - now, lookAround - now);
        long due = Math.max(dueNanos.getAsLong(), TimeUnit.MILLISECONDS.toNanos(1));
        // Whether it was woken or timed out makes no difference: the loop looks for itself.
        long unused = changed.awaitNanos(Math.min(nap, due));
      }
    } finally {
      waiting--;
      lock.unlock();
    }
  }

  private boolean goneWithoutLock(BooleanSupplier abandoned) {
    lock.unlock();
    try {
      return abandoned.getAsBoolean();
    } finally {
      lock.lock();
    }
  }

  private void requireLock() {
    if (!lock.isHeldByCurrentThread()) {
      throw new IllegalStateException("the plane's lock must be held here");
    }
  }
}
