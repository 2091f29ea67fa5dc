package io.meshnative.internal.tls;

import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.spi.IntentionUpdate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the intentions say, under a number: of callers, and of the service's own calls. Immutable
 * but for a cache.
 */
public final class PolicyVersion {
  private final long number;
  private final IntentionTable inbound;
  private final List<Intention> outbound;
  private final DefaultDecision defaultDecision;
  private final DefaultDecision outboundDefault;
  private final boolean loaded;
  private final Map<Destination, IntentionTable> outboundTables = new ConcurrentHashMap<>();

  private PolicyVersion(
      long number,
      IntentionTable inbound,
      List<Intention> outbound,
      DefaultDecision outboundDefault,
      DefaultDecision defaultDecision,
      boolean loaded) {
    this.number = number;
    this.inbound = inbound;
    this.outbound = List.copyOf(outbound);
    this.outboundDefault = outboundDefault;
    this.defaultDecision = defaultDecision;
    this.loaded = loaded;
  }

  /**
   * Makes a version of what a control plane told.
   *
   * @param inbound what decides over callers
   * @param update the rest
   */
  public static PolicyVersion of(long number, IntentionTable inbound, IntentionUpdate update) {
    // Where the list is not known, that nothing matches says nothing: not even that the default
    // decides.
    DefaultDecision outboundDefault =
        update.outboundKnown() ? update.defaultDecision() : DefaultDecision.UNKNOWN;
    return new PolicyVersion(
        number, inbound, update.outbound(), outboundDefault, update.defaultDecision(), true);
  }

  /** Makes a version of lists that are known in both directions. */
  public static PolicyVersion of(
      long number,
      IntentionTable inbound,
      List<Intention> outbound,
      DefaultDecision defaultDecision) {
    return of(number, inbound, new IntentionUpdate(List.of(), outbound, defaultDecision));
  }

  /** Denies everything, inbound and outbound, for this reason. */
  public static PolicyVersion denyAll(long number, String reason) {
    return new PolicyVersion(
        number,
        IntentionTable.denyAll(reason),
        List.of(),
        DefaultDecision.UNKNOWN,
        DefaultDecision.UNKNOWN,
        false);
  }

  public long number() {
    return number;
  }

  public IntentionTable inbound() {
    return inbound;
  }

  public DefaultDecision defaultDecision() {
    return defaultDecision;
  }

  /** Whether this came from a control plane; if not, it denies everything. */
  public boolean loaded() {
    return loaded;
  }

  /** The table of a destination, as far as the service may read it. */
  public IntentionTable outbound(Destination destination) {
    if (!loaded) {
      return inbound;
    }
    return outboundTables.computeIfAbsent(
        destination,
        d ->
            IntentionTable.compile(
                new Intention.Destination(d.partition(), d.namespace(), d.service()),
                outbound,
                outboundDefault));
  }
}
