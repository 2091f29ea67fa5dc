package io.meshnative.internal.tls;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What a full verification of a peer's chain has shown.
 *
 * @param role what the peer was
 * @param id the one id of the leaf
 * @param chain the certificates as sent, leaf first, parsed by the JDK's own factory
 * @param anchor the root in which the path ends
 * @param notBefore the latest beginning along the path, the root left out
 * @param notAfter the earliest end along the path, the root included
 */
public record PeerProof(
    PeerRole role,
    SpiffeId id,
    List<X509Certificate> chain,
    X509Certificate anchor,
    Instant notBefore,
    Instant notAfter) {

  public PeerProof {
    chain = List.copyOf(chain);
  }

  public X509Certificate leaf() {
    return chain.get(0);
  }

  public Optional<ConsulId> consulId() {
    return id.consulId();
  }

  public boolean coversTime(Instant now) {
    return !now.isBefore(notBefore) && !now.isAfter(notAfter);
  }
}
