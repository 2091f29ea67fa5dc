package io.meshnative;

import org.jspecify.annotations.Nullable;

/**
 * The client has no identity, roots or policy yet. The message names the address, the last error
 * and the next step.
 */
public final class MeshNotReadyException extends MeshException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what is missing and what to do
   * @param cause the last error, if there was one
   */
  public MeshNotReadyException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
