package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.SocketException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Why a channel ended: closed by its owner, or for a reason. A reason belongs to the first thread
 * that meets it: that thread gets the instance itself, and so the exception's type; other threads
 * get an {@link IOException} with the same message and the reason as cause, because a throwable
 * that several threads throw shows the wrong stack and collects suppressed exceptions from all of
 * them.
 */
final class Ending {
  private final @Nullable IOException reason;
  private final AtomicReference<@Nullable Thread> owner = new AtomicReference<>();

  private Ending(@Nullable IOException reason) {
    this.reason = reason;
  }

  /** Closed by the side that owns the channel. */
  static Ending closed() {
    return new Ending(null);
  }

  /** Ended for a reason. */
  static Ending because(IOException reason) {
    return new Ending(reason);
  }

  boolean isPlainClose() {
    return reason == null;
  }

  /** The exception that the calling thread throws. */
  IOException exception() {
    if (reason == null) {
      return new SocketException("Socket closed");
    }
    Thread caller = Thread.currentThread();
    if (owner.compareAndSet(null, caller) || caller.equals(owner.get())) {
      return reason;
    }
    return new IOException(reason.getMessage(), reason);
  }
}
