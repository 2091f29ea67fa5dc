package io.meshnative.internal.consul;

import java.time.Duration;

/**
 * Limits the calls of one watch: a burst, refilled at a steady rate. Confined to the watch's
 * thread.
 */
final class TokenBucket {
  private final WatchClock clock;
  private final int burst;
  private final long nanosPerToken;
  private double tokens;
  private long filledAt;

  TokenBucket(WatchClock clock, int burst, double perSecond) {
    this.clock = clock;
    this.burst = burst;
    this.nanosPerToken = (long) (1e9 / perSecond);
    this.tokens = burst;
    this.filledAt = clock.nanoTime();
  }

  /** Takes a token. May go below zero: the debt shows in {@link #untilNext()}. */
  void take() {
    refill();
    tokens -= 1;
  }

  /** Returns how long to wait before the next call. */
  Duration untilNext() {
    refill();
    return tokens >= 1 ? Duration.ZERO : Duration.ofNanos((long) ((1 - tokens) * nanosPerToken));
  }

  private void refill() {
    long now = clock.nanoTime();
    tokens = Math.min(burst, tokens + (double) (now - filledAt) / nanosPerToken);
    filledAt = now;
  }
}
