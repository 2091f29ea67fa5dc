package io.meshnative;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.DefaultDecision;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a client knows and does at one moment, for status pages. Holds no secret.
 *
 * @param service the service's name
 * @param state where the client stands
 * @param identity who the client is; empty before the first identity
 * @param trustGeneration the number of the trust epoch
 * @param policyVersion the number of the policy
 * @param inboundIntentions how many intentions concern callers
 * @param defaultDecision what happens where none matches
 * @param policyDefect why everything is denied, if the intentions cannot be applied
 * @param tlsProvider the name of the TLS engine
 * @param fullHandshakes how many full handshakes were done
 * @param resumedHandshakes how many sessions were resumed
 * @param endpoints the endpoints of each destination in use
 * @param connections the live connections
 * @param lastDenials the last denials, newest first, at most 100
 * @param auditDropped how many records the audit sink missed because it was too slow
 */
public record MeshSnapshot(
    String service,
    MeshState state,
    Optional<MeshIdentity> identity,
    long trustGeneration,
    long policyVersion,
    int inboundIntentions,
    DefaultDecision defaultDecision,
    Optional<String> policyDefect,
    String tlsProvider,
    long fullHandshakes,
    long resumedHandshakes,
    Map<Destination, EndpointSet> endpoints,
    List<LiveConnection> connections,
    List<MeshEvent.Denied> lastDenials,
    long auditDropped) {

  /** Copies the collections. */
  public MeshSnapshot {
    endpoints = Map.copyOf(endpoints);
    connections = List.copyOf(connections);
    lastDenials = List.copyOf(lastDenials);
  }

  /**
   * A live connection.
   *
   * @param direction who called whom
   * @param peer the id of the peer
   * @param destination the destination, empty for inbound
   * @param since when the peer was let through
   * @param notAfter when it is cut at the latest
   */
  public record LiveConnection(
      MeshEvent.Direction direction,
      SpiffeId peer,
      Optional<Destination> destination,
      Instant since,
      Instant notAfter) {}
}
