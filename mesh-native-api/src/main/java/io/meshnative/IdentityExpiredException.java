package io.meshnative;

import java.time.Instant;

/** The own identity, or the one a peer proved, has ended. */
public final class IdentityExpiredException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final Instant notAfter;

  /**
   * Makes the exception.
   *
   * @param message whose identity ended, and what to do
   * @param notAfter when it ended
   */
  public IdentityExpiredException(String message, Instant notAfter) {
    super(message);
    this.notAfter = notAfter;
  }

  /**
   * Returns when the identity ended.
   *
   * @return the end of its certificate
   */
  public Instant notAfter() {
    return notAfter;
  }
}
