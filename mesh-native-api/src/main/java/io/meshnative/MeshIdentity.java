package io.meshnative;

import io.meshnative.identity.SpiffeId;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * Who the client is now. Holds no private key.
 *
 * @param id the SPIFFE id
 * @param chain the certificates that are sent, leaf first
 * @param notBefore when the leaf became valid
 * @param notAfter when the leaf ends
 */
public record MeshIdentity(
    SpiffeId id, List<X509Certificate> chain, Instant notBefore, Instant notAfter) {
  /** Copies the chain. */
  public MeshIdentity {
    Objects.requireNonNull(id, "id");
    chain = List.copyOf(chain);
    Objects.requireNonNull(notBefore, "notBefore");
    Objects.requireNonNull(notAfter, "notAfter");
  }

  /** Returns the id and its end. */
  @Override
  public String toString() {
    return "MeshIdentity[" + id + ", until " + notAfter + "]";
  }
}
