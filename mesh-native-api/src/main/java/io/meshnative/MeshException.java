package io.meshnative;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Something in the mesh prevented a connection or a call. The message says what was expected, what
 * was found and what to do next; it never holds a token or a key.
 */
public class MeshException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message expected, found, next step
   */
  public MeshException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message expected, found, next step
   * @param cause why
   */
  public MeshException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
