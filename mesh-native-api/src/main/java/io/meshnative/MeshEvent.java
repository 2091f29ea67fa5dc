package io.meshnative;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.DefaultDecision;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** Something that happened in a {@link MeshClient}. No event holds a secret. */
public sealed interface MeshEvent {

  /**
   * Returns when it happened.
   *
   * @return the instant, by the client's clock
   */
  Instant at();

  /** Whether the service was called or called. */
  enum Direction {
    /** A peer called the service. */
    INBOUND,
    /** The service called a peer. */
    OUTBOUND
  }

  /**
   * The client went from one state to another.
   *
   * @param at when
   * @param from the state before
   * @param to the state now
   * @param reason why, for people
   */
  record StateChanged(Instant at, MeshState from, MeshState to, String reason)
      implements MeshEvent {}

  /**
   * A new identity or new roots are in force for new handshakes.
   *
   * @param at when
   * @param generation the new {@link MeshClient#trustGeneration()}
   * @param id the own id
   * @param notAfter when the own leaf ends
   * @param roots the number of roots trusted
   * @param renewed whether the own leaf is a new one; if not, only the roots changed
   */
  record TrustChanged(
      Instant at, long generation, SpiffeId id, Instant notAfter, int roots, boolean renewed)
      implements MeshEvent {}

  /**
   * New intentions are in force, for old connections too.
   *
   * @param at when
   * @param version the new policy version
   * @param inbound the number of intentions that concern callers
   * @param defaultDecision what happens where none matches
   * @param defect why everything is denied, if the intentions cannot be applied
   */
  record PolicyChanged(
      Instant at,
      long version,
      int inbound,
      DefaultDecision defaultDecision,
      Optional<String> defect)
      implements MeshEvent {}

  /**
   * The endpoints of a destination changed.
   *
   * @param at when
   * @param endpoints the new set
   */
  record EndpointsChanged(Instant at, EndpointSet endpoints) implements MeshEvent {}

  /**
   * A peer or a request of it was refused, or the service may not call a destination. {@link
   * AuditSink} gets more of it.
   *
   * @param at when
   * @param direction who called whom
   * @param peer the id of the peer, empty if it proved none
   * @param remote the address of the peer, empty if it is not known
   * @param reason why, with the rule
   */
  record Denied(
      Instant at,
      Direction direction,
      Optional<SpiffeId> peer,
      Optional<String> remote,
      String reason)
      implements MeshEvent {}

  /**
   * A connection has grown old: its certificates end soon, and it is cut then. Pools retire it; a
   * program that holds the socket ends it when it can.
   *
   * @param at when
   * @param direction who called whom
   * @param peer the id of the peer
   * @param destination the destination, empty for inbound
   * @param notAfter when the connection is cut
   */
  record Retiring(
      Instant at,
      Direction direction,
      SpiffeId peer,
      Optional<Destination> destination,
      Instant notAfter)
      implements MeshEvent {}

  /**
   * A connection or request that had been allowed was ended.
   *
   * @param at when
   * @param direction who called whom
   * @param peer the id of the peer
   * @param destination the destination, empty for inbound
   * @param reason why, with the rule
   */
  record Withdrawn(
      Instant at,
      Direction direction,
      SpiffeId peer,
      Optional<Destination> destination,
      String reason)
      implements MeshEvent {}

  /**
   * The control plane could not be reached or understood; it is tried again. Told once, and again
   * when the reason becomes another one.
   *
   * @param at when
   * @param source what was asked for: {@code identity}, {@code trust}, {@code intentions}, {@code
   *     endpoints of …} or {@code registration}
   * @param cause why
   */
  record ControlPlaneFailed(Instant at, String source, IOException cause) implements MeshEvent {}

  /**
   * The control plane answers again.
   *
   * @param at when
   * @param source what was asked for
   */
  record ControlPlaneRecovered(Instant at, String source) implements MeshEvent {}

  /**
   * Something the control plane sent cannot be used; the last good state goes on.
   *
   * @param at when
   * @param source what was asked for
   * @param reason what was expected, what was found
   */
  record UpdateRefused(Instant at, String source, String reason) implements MeshEvent {}

  /**
   * Nothing has failed yet, but it will unless somebody acts.
   *
   * @param at when
   * @param source what it is about: {@code identity}, {@code trust}, {@code intentions}, {@code
   *     endpoints of …} or {@code audit}
   * @param message what was expected, what was found, what to do
   */
  record Warning(Instant at, String source, String message) implements MeshEvent {}
}
