package io.meshnative.internal.tls;

import org.jspecify.annotations.Nullable;

/**
 * The one pair that every decision reads: trust and policy of the same moment.
 *
 * @param trust the newest trust epoch, null before the first
 * @param policy the newest policy
 * @param sinceNanos when it was published, by {@link System#nanoTime()}
 */
public record Published(@Nullable TrustEpoch trust, PolicyVersion policy, long sinceNanos) {
  /** The pair, published now. */
  static Published now(@Nullable TrustEpoch trust, PolicyVersion policy) {
    return new Published(trust, policy, System.nanoTime());
  }
}
