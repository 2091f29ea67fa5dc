package io.meshnative.spi;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import java.util.List;
import java.util.Objects;

/**
 * All intentions that concern the service now.
 *
 * @param inbound those whose destination is the service, wildcards included
 * @param outbound those whose source is the service, wildcards included; empty where they may not
 *     be read: then the peer alone decides
 * @param defaultDecision what happens where none matches
 */
public record IntentionUpdate(
    List<Intention> inbound, List<Intention> outbound, DefaultDecision defaultDecision) {
  /** Copies the lists. */
  public IntentionUpdate {
    inbound = List.copyOf(inbound);
    outbound = List.copyOf(outbound);
    Objects.requireNonNull(defaultDecision, "defaultDecision");
  }
}
