package io.meshnative;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A peer did not prove the identity that was expected of it. */
public final class PeerIdentityException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final String expected;
  private final @Nullable String actual;

  /**
   * Makes the exception.
   *
   * @param message expected, found, next step
   * @param expected the id or kind of id that was expected
   * @param actual the id that was found, null if none could be read
   * @param cause why, if another exception tells
   */
  public PeerIdentityException(
      String message, String expected, @Nullable String actual, @Nullable Throwable cause) {
    super(message, cause);
    this.expected = expected;
    this.actual = actual;
  }

  /**
   * Returns what was expected.
   *
   * @return an id or a description of one
   */
  public String expected() {
    return expected;
  }

  /**
   * Returns what was found.
   *
   * @return the id, empty if the peer proved none
   */
  public Optional<String> actual() {
    return Optional.ofNullable(actual);
  }
}
