package io.meshnative.intention;

/**
 * A request that could be read in two ways, and is therefore refused before any decision. Servers
 * answer 400.
 */
public final class MalformedRequestException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * Makes the exception; adapters do where their protocol has a second reading of its own.
   *
   * @param message what was expected, what was found
   */
  public MalformedRequestException(String message) {
    super(message);
  }
}
