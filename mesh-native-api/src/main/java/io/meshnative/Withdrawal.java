package io.meshnative;

import io.meshnative.identity.SpiffeId;
import java.util.Objects;

/**
 * The end of a right that had been given.
 *
 * @param peer whose connection it is
 * @param reason why, with the rule, as an exception that can be thrown to the application
 */
public record Withdrawal(SpiffeId peer, MeshException reason) {
  /** Checks that nothing is null. */
  public Withdrawal {
    Objects.requireNonNull(peer, "peer");
    Objects.requireNonNull(reason, "reason");
  }
}
