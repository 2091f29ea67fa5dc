package io.meshnative.httpserver;

import com.sun.net.httpserver.HttpExchange;
import io.meshnative.intention.Decision;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Ends one running exchange from outside, whatever its threads are doing. The JDK's server has no
 * way to close an exchange that another thread reads or writes; but its channels are interruptible:
 * a thread that is interrupted while it is blocked on one, or that comes to one interrupted, closes
 * it.
 *
 * <p>Invariant: a thread is interrupted by us only while it is inside {@link #read} or {@link
 * #write}, and the interrupt is taken back before it leaves. So the application's own work is never
 * interrupted, nor the connections of others that it uses.
 */
final class Cut {
  /** For threads that were interrupted to notice it. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** Something that reads, and says how much. */
  interface Reading {
    int run() throws IOException;
  }

  /** Something that writes or closes. */
  interface Writing {
    void run() throws IOException;
  }

  private final HttpExchange exchange;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition outside = lock.newCondition();
  private final Set<Thread> inside = new HashSet<>();
  private Decision.@Nullable Denied reason;
  private boolean over;

  Cut(HttpExchange exchange) {
    this.exchange = exchange;
  }

  /** Reads, unless the exchange was cut. */
  int read(Reading reading) throws IOException {
    enter();
    try {
      return reading.run();
    } catch (IOException e) {
      throw reasonFor(e);
    } finally {
      leave();
    }
  }

  /** Writes or closes, unless the exchange was cut. */
  void write(Writing writing) throws IOException {
    enter();
    try {
      writing.run();
    } catch (IOException e) {
      throw reasonFor(e);
    } finally {
      leave();
    }
  }

  private void enter() throws IOException {
    lock.lock();
    try {
      requireWhole();
      inside.add(Thread.currentThread());
    } finally {
      lock.unlock();
    }
  }

  private void leave() {
    lock.lock();
    try {
      inside.remove(Thread.currentThread());
      if (reason != null) {
        Thread.interrupted();
        outside.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  private IOException reasonFor(IOException failure) {
    lock.lock();
    try {
      return reason == null ? failure : withdrawn(reason, failure);
    } finally {
      lock.unlock();
    }
  }

  /** Throws if the exchange was cut. */
  void requireWhole() throws IOException {
    lock.lock();
    try {
      if (reason != null) {
        throw withdrawn(reason, null);
      }
    } finally {
      lock.unlock();
    }
  }

  private static IOException withdrawn(Decision.Denied why, @Nullable IOException cause) {
    return new IOException("the right to this request was withdrawn: " + why.reason(), cause);
  }

  /** The response has ended: nothing is left to be cut. */
  void over() {
    lock.lock();
    try {
      over = true;
    } finally {
      lock.unlock();
    }
  }

  /** Closes the connection of the exchange. Waits for no peer. */
  void cut(Decision.Denied why) {
    lock.lock();
    try {
      if (over || reason != null) {
        return;
      }
      reason = why;
      inside.forEach(Thread::interrupt);
      long left = PATIENCE_NANOS;
      while (!inside.isEmpty() && left > 0) {
        left = outside.awaitNanos(left); // the JDK's streams are for one thread at a time
      }
    } catch (InterruptedException e) {
      // Nobody interrupts a thread that tells of withdrawals; if somebody does, it goes on at once.
    } finally {
      lock.unlock();
    }
    // Whatever is still written or read from here on, the attempt closes the channel.
    Thread.currentThread().interrupt();
    try {
      spoil();
      exchange.close();
    } finally {
      Thread.interrupted();
    }
  }

  /**
   * Leaves something in the response that cannot be sent any more. Without it, closing a response
   * in chunks whose engine was cut would be taken for its orderly end: the JDK drops the failure to
   * write the last chunk, and keeps the connection.
   */
  private void spoil() {
    try {
      exchange.getResponseBody().write(0);
    } catch (IOException | RuntimeException e) {
      // The head was not sent yet, or the response is complete, or its channel is closed by now.
    }
  }
}
