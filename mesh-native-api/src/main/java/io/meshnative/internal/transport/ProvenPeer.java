package io.meshnative.internal.transport;

import io.meshnative.MeshPeer;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import java.security.cert.X509Certificate;
import java.time.Instant;

/** The only implementation: made from a live connection, and leading back to it. */
record ProvenPeer(LiveConnection connection, ConsulId.Service service, Decision decision)
    implements MeshPeer {

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
