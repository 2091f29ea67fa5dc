package io.meshnative;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import java.security.Principal;
import java.security.cert.X509Certificate;
import java.time.Instant;

/**
 * Who is at the other end of a connection. Only the library makes peers, and only from an identity
 * that was proven; a {@link MeshClient} refuses instances that others made.
 *
 * <p>Immutable and thread-safe.
 */
public interface MeshPeer extends Principal {

  /**
   * Returns the id that the peer proved.
   *
   * @return the SPIFFE id
   */
  SpiffeId id();

  /**
   * Returns the peer's place in Consul.
   *
   * @return the service's partition, namespace, datacenter and name
   */
  ConsulId.Service service();

  /**
   * Returns the peer's leaf certificate.
   *
   * @return the certificate, parsed by the JDK's own factory
   */
  X509Certificate leaf();

  /**
   * Returns when the path that proves the peer ends.
   *
   * @return the earliest end among the leaf, its intermediates and its root
   */
  Instant notAfter();

  /**
   * Returns what the policy said when this instance was made. A later answer may differ: see {@link
   * MeshClient#peer(javax.net.ssl.SSLSession)}.
   *
   * @return the decision; for a layer-7 intention it is a denial that needs a request
   */
  Decision decision();

  /** Returns the SPIFFE id as text. */
  @Override
  default String getName() {
    return id().toString();
  }
}
