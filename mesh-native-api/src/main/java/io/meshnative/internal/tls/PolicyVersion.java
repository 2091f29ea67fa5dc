package io.meshnative.internal.tls;

import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
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
  private final boolean loaded;
  private final Map<Destination, IntentionTable> outboundTables = new ConcurrentHashMap<>();

  private PolicyVersion(
      long number,
      IntentionTable inbound,
      List<Intention> outbound,
      DefaultDecision defaultDecision,
      boolean loaded) {
    this.number = number;
    this.inbound = inbound;
    this.outbound = List.copyOf(outbound);
    this.defaultDecision = defaultDecision;
    this.loaded = loaded;
  }

  public static PolicyVersion of(
      long number,
      IntentionTable inbound,
      List<Intention> outbound,
      DefaultDecision defaultDecision) {
    return new PolicyVersion(number, inbound, outbound, defaultDecision, true);
  }

  /** Denies everything, inbound and outbound, for this reason. */
  public static PolicyVersion denyAll(long number, String reason) {
    return new PolicyVersion(
        number, IntentionTable.denyAll(reason), List.of(), DefaultDecision.UNKNOWN, false);
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
                defaultDecision));
  }
}
