package io.meshnative.spi;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.util.List;
import java.util.Objects;

/**
 * All intentions that concern the service now.
 *
 * @param inbound those whose destination is the service, wildcards included
 * @param outbound those whose source is the service, wildcards included
 * @param outboundKnown whether {@code outbound} is all that there is; where it is not, because it
 *     may not be read or has not come yet, the absence of an intention says nothing and the peer
 *     alone decides
 * @param defaultDecision what happens where none matches
 */
public record IntentionUpdate(
    List<Intention> inbound,
    List<Intention> outbound,
    boolean outboundKnown,
    DefaultDecision defaultDecision) {
  /** Copies the lists. */
  public IntentionUpdate {
    inbound = List.copyOf(inbound);
    outbound = List.copyOf(outbound);
    Objects.requireNonNull(defaultDecision, "defaultDecision");
  }

  /**
   * Tells all intentions, in both directions.
   *
   * @param inbound those whose destination is the service
   * @param outbound all whose source is the service
   * @param defaultDecision what happens where none matches
   */
  public IntentionUpdate(
      List<Intention> inbound, List<Intention> outbound, DefaultDecision defaultDecision) {
    this(inbound, outbound, true, defaultDecision);
  }
}
