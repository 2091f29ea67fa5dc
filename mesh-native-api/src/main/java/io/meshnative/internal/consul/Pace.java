package io.meshnative.internal.consul;

import java.util.random.RandomGenerator;

/**
 * The time, chance and rate of a watch.
 *
 * @param clock its clock
 * @param random for jitter
 * @param burst calls that may follow each other at once
 * @param perSecond calls a second in steady state
 */
record Pace(WatchClock clock, RandomGenerator random, int burst, double perSecond) {

  /** Roots, leaf, endpoints: about one call a second, as Consul asks of its clients. */
  static Pace steady(WatchClock clock, RandomGenerator random) {
    return new Pace(clock, random, 2, 1);
  }

  /** Intentions: flips of policy take effect at once; only a storm of them is spread. */
  static Pace prompt(WatchClock clock, RandomGenerator random) {
    return new Pace(clock, random, 50, 10);
  }
}
