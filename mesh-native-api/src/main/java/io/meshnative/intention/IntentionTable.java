package io.meshnative.intention;

import io.meshnative.identity.ConsulId;
import java.util.Collection;
import java.util.Optional;

/** The compiled intentions of one destination. */
public final class IntentionTable {
  private IntentionTable() {}

  /** Skeleton. */
  public static IntentionTable compile(
      Intention.Destination destination,
      Collection<Intention> intentions,
      DefaultDecision defaultDecision) {
    throw new UnsupportedOperationException("skeleton");
  }

  /** A table that denies everything with {@link Decision.Cause#NO_POLICY} and this reason. */
  public static IntentionTable denyAll(String reason) {
    throw new UnsupportedOperationException("skeleton");
  }

  /** Layer 4: intentions with permissions deny with NEEDS_REQUEST. */
  public Decision decide(ConsulId.Service source) {
    throw new UnsupportedOperationException("skeleton");
  }

  /** Layer 7. */
  public Decision decide(ConsulId.Service source, HttpRequestView request) {
    throw new UnsupportedOperationException("skeleton");
  }

  /**
   * Whether the rule that decides for this source has permissions, so that requests have to be
   * judged.
   */
  public boolean needsRequest(ConsulId.Service source) {
    throw new UnsupportedOperationException("skeleton");
  }

  /** Number of intentions. */
  public int size() {
    throw new UnsupportedOperationException("skeleton");
  }

  /** Why the whole destination is denied, if it is. */
  public Optional<String> defect() {
    throw new UnsupportedOperationException("skeleton");
  }
}
