package io.meshnative.jdbc;

import java.time.Duration;

/**
 * How a pool follows the mesh.
 *
 * @param rotation within what time connections are replaced, one after the other, when certificates
 *     were renewed; sooner where the old ones end sooner
 * @param grace how long a borrowed connection may go on after its endpoint has left the catalog
 */
public record PoolPolicy(Duration rotation, Duration grace) {
  private static final PoolPolicy DEFAULTS =
      new PoolPolicy(Duration.ofMinutes(10), Duration.ofMinutes(1));

  /** Checks the times. */
  public PoolPolicy {
    if (rotation.isNegative() || grace.isNegative()) {
      throw new IllegalArgumentException(
          "expected times of zero or more, found " + rotation + " and " + grace);
    }
  }

  /**
   * Returns the defaults: 10 minutes for a rotation, 1 minute of grace.
   *
   * @return the defaults
   */
  public static PoolPolicy defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with another time for rotations.
   *
   * @param rotation zero or more
   * @return the copy
   */
  public PoolPolicy withRotation(Duration rotation) {
    return new PoolPolicy(rotation, grace);
  }

  /**
   * Returns a copy with another grace.
   *
   * @param grace zero or more
   * @return the copy
   */
  public PoolPolicy withGrace(Duration grace) {
    return new PoolPolicy(rotation, grace);
  }
}
