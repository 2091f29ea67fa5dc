package io.meshnative.internal.consul;

import java.io.InterruptedIOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import okhttp3.Call;

/**
 * The calls of one watch. Once cancelled, running ones end and new ones are refused. Thread-safe.
 */
final class Calls {
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<Call> running = new HashSet<>();
  private boolean cancelled;
  private boolean restarted;

  /** The link on which the index was given that the next blocking call names. */
  private int standing;

  void begin(Call call) throws InterruptedIOException {
    lock.lock();
    try {
      if (cancelled) {
        throw new InterruptedIOException("closed");
      }
      running.add(call);
    } finally {
      lock.unlock();
    }
  }

  void end(Call call) {
    lock.lock();
    try {
      running.remove(call);
    } finally {
      lock.unlock();
    }
  }

  boolean isCancelled() {
    lock.lock();
    try {
      return cancelled;
    } finally {
      lock.unlock();
    }
  }

  void cancel() {
    Set<Call> toCancel;
    lock.lock();
    try {
      cancelled = true;
      toCancel = Set.copyOf(running);
    } finally {
      lock.unlock();
    }
    toCancel.forEach(Call::cancel);
  }

  /** Remembers on which link the newest index was given. */
  void standAt(int link) {
    lock.lock();
    try {
      standing = link;
    } finally {
      lock.unlock();
    }
  }

  /** Whether the index that a blocking call names was given on this link. */
  boolean standsAt(int link) {
    lock.lock();
    try {
      return standing == link;
    } finally {
      lock.unlock();
    }
  }

  /** Ends running calls so that each is made again, at once and without waiting. */
  void restart() {
    Set<Call> running;
    lock.lock();
    try {
      standing = -1;
      restarted = true;
      running = Set.copyOf(this.running);
    } finally {
      lock.unlock();
    }
    running.forEach(Call::cancel);
  }

  /** Whether a call that has failed is to be made again because of {@link #restart}. */
  boolean takeRestart() {
    lock.lock();
    try {
      boolean again = restarted && !cancelled;
      restarted = false;
      return again;
    } finally {
      lock.unlock();
    }
  }
}
