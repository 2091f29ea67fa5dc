package io.meshnative.spi;

import java.util.Optional;

/**
 * The four sources together, as one control plane supplies them. One instance serves one client.
 */
public interface ControlPlane extends AutoCloseable {

  /**
   * Returns the source of the service's identity.
   *
   * @return always the same source
   */
  IdentitySource identity();

  /**
   * Returns the source of roots.
   *
   * @return always the same source
   */
  TrustSource trust();

  /**
   * Returns the source of intentions.
   *
   * @return always the same source
   */
  IntentionSource intentions();

  /**
   * Returns the source of endpoints.
   *
   * @return always the same source
   */
  EndpointSource endpoints();

  /**
   * Returns what registers the service.
   *
   * @return the registrar, empty where this control plane has none
   */
  default Optional<Registrar> registrar() {
    return Optional.empty();
  }

  /** Closes the four sources and whatever they share. Idempotent. */
  @Override
  void close();
}
