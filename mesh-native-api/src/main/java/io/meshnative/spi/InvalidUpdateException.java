package io.meshnative.spi;

/**
 * A value from the control plane that cannot be used. The message says what was expected and found.
 */
public final class InvalidUpdateException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception.
   *
   * @param message what was expected, what was found
   */
  public InvalidUpdateException(String message) {
    super(message);
  }

  /**
   * Makes the exception.
   *
   * @param message what was expected, what was found
   * @param cause why
   */
  public InvalidUpdateException(String message, Throwable cause) {
    super(message, cause);
  }
}
