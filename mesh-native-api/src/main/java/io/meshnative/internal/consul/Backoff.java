package io.meshnative.internal.consul;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * The pause after a failure: the first retry within 100 ms, then exponential from 1 s to 60 s with
 * full jitter, so that a thousand clients of a restarted agent do not return in step.
 */
final class Backoff {
  static final Duration FIRST = Duration.ofMillis(100);
  static final Duration LONGEST = Duration.ofSeconds(60);

  private final RandomGenerator random;

  Backoff(RandomGenerator random) {
    this.random = random;
  }

  /** Returns the pause after this many failures in a row, 1 or more. */
  Duration after(int failures) {
    long ceiling =
        failures <= 1
            ? FIRST.toNanos()
            : Math.min(
                LONGEST.toNanos(), Duration.ofSeconds(1L << Math.min(failures - 2, 6)).toNanos());
    return Duration.ofNanos(random.nextLong(ceiling + 1));
  }
}
