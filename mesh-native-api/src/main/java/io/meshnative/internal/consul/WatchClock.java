package io.meshnative.internal.consul;

import java.time.Duration;

/** Time as watches see it, so that tests need none. */
public interface WatchClock {

  /** The clock of this machine. */
  WatchClock SYSTEM =
      new WatchClock() {
        @Override
        public long nanoTime() {
          return System.nanoTime();
        }

        @Override
        public void pause(Duration pause) throws InterruptedException {
          Thread.sleep(Math.max(0, pause.toMillis()), (int) (pause.toNanos() % 1_000_000));
        }
      };

  /**
   * Returns a monotonic time.
   *
   * @return nanoseconds since any moment
   */
  long nanoTime();

  /**
   * Waits.
   *
   * @param pause how long
   * @throws InterruptedException if the watch is being closed
   */
  void pause(Duration pause) throws InterruptedException;
}
