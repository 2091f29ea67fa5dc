package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Bounds a raw write, which has no timeout of its own: unless disarmed in time, the guard closes
 * the raw socket, which wakes the writer. A disarmed guard holds the socket no longer, even where
 * the scheduler keeps cancelled tasks.
 */
final class WriteGuard implements Runnable {
  private final AtomicReference<@Nullable Socket> raw;
  private @Nullable ScheduledFuture<?> task;

  private WriteGuard(Socket raw) {
    this.raw = new AtomicReference<>(raw);
  }

  /** Starts the time. */
  static WriteGuard arm(ScheduledExecutorService scheduler, Socket raw, int millis)
      throws IOException {
    WriteGuard guard = new WriteGuard(raw);
    try {
      guard.task = scheduler.schedule(guard, millis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      throw new IOException("expected a running scheduler, found it shut down", e);
    }
    return guard;
  }

  @Override
  public void run() {
    Socket late = raw.getAndSet(null);
    if (late != null) {
      try {
        late.setSoLinger(false, 0); // The application's linger must not hold up the scheduler.
      } catch (SocketException e) {
        // Closed already.
      }
      RawSockets.closeQuietly(late);
    }
  }

  void disarm() {
    raw.set(null);
    if (task != null) {
      task.cancel(false);
    }
  }
}
