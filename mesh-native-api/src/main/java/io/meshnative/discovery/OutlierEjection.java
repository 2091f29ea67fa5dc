package io.meshnative.discovery;

import java.time.Duration;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * When an endpoint that fails is left alone, and for how long.
 *
 * <p>An endpoint is ejected after so many failures to connect or to shake hands in a row. Its first
 * period is {@code firstPeriod}, and each further one twice the one before, up to {@code
 * longestPeriod}; every period is shortened by chance by up to a quarter, so that clients do not
 * come back together. When it is over the endpoint is tried like any other: a success clears its
 * record, a failure ejects it again at once.
 *
 * @param failures how many failures in a row eject, at least 1
 * @param firstPeriod the first period, more than zero
 * @param longestPeriod the longest period, not less than the first
 * @param maxShare which share of the endpoints may be ejected at one time, 0 (none) to 1; the last
 *     one is never ejected
 */
public record OutlierEjection(
    int failures, Duration firstPeriod, Duration longestPeriod, double maxShare) {

  private static final Duration LONGEST = Duration.ofDays(1);

  /** Checks the parts. */
  public OutlierEjection {
    Objects.requireNonNull(firstPeriod, "firstPeriod");
    Objects.requireNonNull(longestPeriod, "longestPeriod");
    if (failures < 1) {
      throw new IllegalArgumentException("expected at least 1 failure, found " + failures);
    }
    if (firstPeriod.isZero()
        || firstPeriod.isNegative()
        || longestPeriod.compareTo(firstPeriod) < 0
        || longestPeriod.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "expected a first period of more than zero, and a longest one between it and "
              + LONGEST
              + ", found "
              + firstPeriod
              + " and "
              + longestPeriod);
    }
    if (!(maxShare >= 0 && maxShare <= 1)) {
      throw new IllegalArgumentException("expected a share from 0 to 1, found " + maxShare);
    }
  }

  /**
   * Returns the defaults: 3 failures, 5 seconds to 5 minutes, at most half of the endpoints.
   *
   * @return the defaults
   */
  public static OutlierEjection defaults() {
    return new OutlierEjection(3, Duration.ofSeconds(5), Duration.ofMinutes(5), 0.5);
  }

  /**
   * Returns a setting that ejects nothing.
   *
   * @return the setting
   */
  public static OutlierEjection none() {
    return new OutlierEjection(1, Duration.ofSeconds(5), Duration.ofMinutes(5), 0);
  }

  /** Returns how many of so many endpoints may be ejected at one time. */
  int limit(int endpoints) {
    return Math.min((int) (endpoints * maxShare), endpoints - 1);
  }

  /** Returns the length in nanoseconds of an ejection that so many came before. */
  long periodNanos(int before, RandomGenerator random) {
    long longest = longestPeriod.toNanos();
    long period = firstPeriod.toNanos();
    for (int i = 0; i < before && period < longest; i++) {
      period *= 2;
    }
    period = Math.min(period, longest);
    return period - (long) (period * 0.25 * random.nextDouble());
  }
}
