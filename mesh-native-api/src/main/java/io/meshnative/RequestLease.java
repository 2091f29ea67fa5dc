package io.meshnative;

import io.meshnative.intention.Decision;

/**
 * The right of one request to go on. It is decided again at each change of the policy. Close it
 * when the response has ended; closing twice does nothing.
 */
public interface RequestLease extends Lease {
  /**
   * Returns the decision that let the request through.
   *
   * @return the decision
   */
  Decision.Allowed decision();
}
