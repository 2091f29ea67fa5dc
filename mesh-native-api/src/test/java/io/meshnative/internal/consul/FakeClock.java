package io.meshnative.internal.consul;

import java.time.Duration;

/** Time that passes only where somebody pauses or a test says so. */
final class FakeClock implements WatchClock {
  private long now = 1_000_000_000L;

  @Override
  public synchronized long nanoTime() {
    return now;
  }

  @Override
  public synchronized void pause(Duration pause) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    now += pause.toNanos();
  }

  synchronized void advance(Duration time) {
    now += time.toNanos();
  }
}
