package io.meshnative;

import org.jspecify.annotations.Nullable;

/**
 * The peer refused our certificate or our right to call it. In TLS 1.3 this comes to light only at
 * the first read or write after the handshake (RFC 8446 §4.4.2); look at the peer's intentions
 * first.
 */
public final class PeerRefusedException extends MeshException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message who refused whom, how it showed, and what to do
   * @param cause the alert or the reset
   */
  public PeerRefusedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
