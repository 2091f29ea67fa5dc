package io.meshnative.internal.transport;

import io.meshnative.MeshPeer;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import java.security.cert.X509Certificate;
import java.time.Instant;

/**
 * The only implementation: made from a live connection, and leading back to it.
 *
 * @param byLeaf whether it was found by its leaf alone: it may be asking on any connection that has
 *     proven that leaf
 */
record ProvenPeer(
    LiveConnection connection, ConsulId.Service service, Decision decision, boolean byLeaf)
    implements MeshPeer {

  ProvenPeer(LiveConnection connection, ConsulId.Service service, Decision decision) {
    this(connection, service, decision, false);
  }

  /** The same peer, on whichever connection of its leaf. */
  ProvenPeer anywhere() {
    return new ProvenPeer(connection, service, decision, true);
  }

  @Override
  public SpiffeId id() {
    return connection.proof().id();
  }

  @Override
  public X509Certificate leaf() {
    return connection.proof().leaf();
  }

  @Override
  public Instant notAfter() {
    return connection.proof().notAfter();
  }

  @Override
  public String toString() {
    return id().toString();
  }
}
