package io.meshnative;

import java.time.Duration;
import java.util.Optional;

/**
 * How long the last good intentions serve while the control plane is away.
 *
 * @param limit after this time without an answer everything is denied; empty: until the identity
 *     ends
 */
public record StalePolicy(Optional<Duration> limit) {
  /** Checks the limit. */
  public StalePolicy {
    if (limit.filter(d -> d.isNegative() || d.isZero()).isPresent()) {
      throw new IllegalArgumentException("expected a positive limit, found " + limit.get());
    }
  }

  /**
   * Serves the last good intentions until the identity ends. This is the default.
   *
   * @return the policy
   */
  public static StalePolicy untilIdentityEnds() {
    return new StalePolicy(Optional.empty());
  }

  /**
   * Serves the last good intentions for this long, then denies everything.
   *
   * @param limit positive
   * @return the policy
   */
  public static StalePolicy denyAfter(Duration limit) {
    return new StalePolicy(Optional.of(limit));
  }
}
