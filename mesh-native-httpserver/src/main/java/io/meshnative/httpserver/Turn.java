package io.meshnative.httpserver;

import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One time that the JDK's server reads a request from a connection and has it handled, on one
 * thread. Until the request is admitted, a deadline runs; at its end the thread is interrupted,
 * which closes the channel that it is blocked on (see {@link
 * java.nio.channels.InterruptibleChannel}).
 *
 * <p>Invariant: the thread is interrupted between the start of the turn and the end of its deadline
 * only, and the interrupt is taken back before the thread leaves the turn.
 */
final class Turn implements Runnable {
  private static final ThreadLocal<@Nullable Turn> CURRENT = new ThreadLocal<>();

  private final Runnable request;
  private final ScheduledExecutorService deadlines;
  private final Duration headTimeout;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Thread thread;
  private @Nullable Future<?> deadline;
  private boolean expired;

  Turn(Runnable request, ScheduledExecutorService deadlines, Duration headTimeout) {
    this.request = request;
    this.deadlines = deadlines;
    this.headTimeout = headTimeout;
  }

  /** The turn that the calling thread runs. */
  static Turn current() {
    Turn turn = CURRENT.get();
    if (turn == null) {
      throw new IllegalStateException("expected a request of a MeshHttpServer on its own thread");
    }
    return turn;
  }

  @Override
  public void run() {
    CURRENT.set(this);
    begin();
    try {
      request.run();
    } finally {
      if (end()) {
        Thread.interrupted();
      }
      CURRENT.remove();
    }
  }

  private void begin() {
    lock.lock();
    try {
      thread = Thread.currentThread();
      deadline = deadlines.schedule(this::expire, headTimeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      // The server is being stopped and closes the connection: what is read is answered if it comes
      // at once.
      expired = true;
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** The request is there and may go on: no deadline any more. */
  void admitted() throws InterruptedIOException {
    if (end()) {
      throw new InterruptedIOException(
          "the handshake and the head of the request took longer than " + headTimeout);
    }
  }

  /** Returns whether the deadline had passed. Afterwards the thread is interrupted by nobody. */
  private boolean end() {
    lock.lock();
    try {
      thread = null;
      if (deadline != null) {
        deadline.cancel(false);
      }
      return expired;
    } finally {
      lock.unlock();
    }
  }

  private void expire() {
    lock.lock();
    try {
      if (thread != null) {
        expired = true;
        thread.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }
}
