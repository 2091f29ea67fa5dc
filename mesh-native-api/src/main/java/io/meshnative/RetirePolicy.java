package io.meshnative;

/**
 * When a connection is asked to end because its certificates grow old: at a random point between
 * two fractions of the earlier of both certificates' lives. At the end of that life it is cut.
 *
 * @param from the earliest fraction, above 0
 * @param to the latest fraction, below 1
 */
public record RetirePolicy(double from, double to) {
  /** Checks the fractions. */
  public RetirePolicy {
    if (!(from > 0 && from <= to && to < 1)) {
      throw new IllegalArgumentException(
          "expected 0 < from <= to < 1, found " + from + " and " + to);
    }
  }

  /**
   * Returns the default: between 70 and 90 per cent.
   *
   * @return the default
   */
  public static RetirePolicy defaults() {
    return new RetirePolicy(0.7, 0.9);
  }
}
