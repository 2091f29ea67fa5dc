package io.meshnative.grpc;

import io.grpc.SynchronizationContext;
import io.grpc.SynchronizationContext.ScheduledHandle;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * When a channel replaces connections whose certificates grow old. All of them at once, for their
 * peers' certificates are mostly of one age; and after that not again before a quarter of the time
 * left has passed, since a peer that has not renewed its certificate yet shows the old one again.
 *
 * <p>Runs in the channel's synchronization context.
 */
final class Retirement {
  private static final long MIN_PAUSE_MILLIS = 1000;

  private final SynchronizationContext context;
  private final ScheduledExecutorService scheduler;
  private final Runnable replace;
  private @Nullable ScheduledHandle pause;
  private boolean asked;

  Retirement(SynchronizationContext context, ScheduledExecutorService scheduler, Runnable replace) {
    this.context = context;
    this.scheduler = scheduler;
    this.replace = replace;
  }

  /**
   * A connection is to be replaced.
   *
   * @param left how long until it is cut
   */
  void ask(Duration left) {
    if (pause != null) {
      asked = true;
      return;
    }
    long millis = Math.max(MIN_PAUSE_MILLIS, left.toMillis() / 4);
    pause = context.schedule(() -> resume(left), millis, TimeUnit.MILLISECONDS, scheduler);
    replace.run();
  }

  private void resume(Duration left) {
    pause = null;
    if (asked) {
      asked = false;
      ask(left.multipliedBy(3).dividedBy(4));
    }
  }

  void close() {
    if (pause != null) {
      pause.cancel();
      pause = null;
    }
  }
}
