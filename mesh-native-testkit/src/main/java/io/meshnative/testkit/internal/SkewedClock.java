package io.meshnative.testkit.internal;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

/** The plane's clock, which can be made to be wrong. Thread-safe. */
public final class SkewedClock extends Clock {
  private final Clock truth;
  private volatile Duration skew = Duration.ZERO;

  public SkewedClock(Clock truth) {
    this.truth = truth;
  }

  /** From now on it is this much ahead; negative for behind. */
  public void skew(Duration value) {
    skew = value;
  }

  @Override
  public Instant instant() {
    return truth.instant().plus(skew);
  }

  @Override
  public ZoneId getZone() {
    return truth.getZone();
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return truth.withZone(zone);
  }
}
