package io.meshnative;

import io.meshnative.discovery.Destination;
import org.jspecify.annotations.Nullable;

/**
 * A destination has no endpoint that can be dialled. The message says whether there is none, or why
 * none could be taken.
 */
public final class NoEndpointException extends MeshException {
  private static final long serialVersionUID = 1L;
  private final transient Destination destination;

  /**
   * Makes the exception.
   *
   * @param destination the destination
   * @param message why, and what to do
   * @param cause the failure of the last endpoint tried, if any was
   */
  public NoEndpointException(Destination destination, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.destination = destination;
  }

  /**
   * Returns the destination.
   *
   * @return the destination
   */
  public Destination destination() {
    return destination;
  }
}
