package io.meshnative.tests;

import java.util.Arrays;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Times that were measured, to be reported and never asserted. */
final class Distribution {
  private final Queue<Long> nanos = new ConcurrentLinkedQueue<>();

  void add(long time) {
    nanos.add(time);
  }

  int size() {
    return nanos.size();
  }

  /** Least, median, 99 of 100 and most, in milliseconds. */
  @Override
  public String toString() {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    if (sorted.length == 0) {
      return "nothing was measured";
    }
    return Arrays.stream(new double[] {0, 0.5, 0.99, 1})
        .map(part -> sorted[(int) Math.ceil(part * (sorted.length - 1))] / 1e6)
        .mapToObj(millis -> String.format(Locale.ROOT, "%.2f", millis))
        .reduce((one, other) -> one + " / " + other)
        .map(values -> "min / median / p99 / max = " + values + " ms of " + sorted.length)
        .orElseThrow();
  }
}
