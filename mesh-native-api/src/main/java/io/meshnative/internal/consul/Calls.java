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
}
