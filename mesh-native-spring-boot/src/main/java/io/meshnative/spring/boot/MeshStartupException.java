package io.meshnative.spring.boot;

import io.meshnative.MeshNotReadyException;
import java.time.Duration;

/** The application has no identity, roots or intentions in time. */
public final class MeshStartupException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  private final String service;
  private final Duration timeout;

  MeshStartupException(String service, Duration timeout, MeshNotReadyException cause) {
    super(cause.getMessage(), cause);
    this.service = service;
    this.timeout = timeout;
  }

  /**
   * Returns who wanted to start.
   *
   * @return the service's name
   */
  public String service() {
    return service;
  }

  /**
   * Returns how long it waited.
   *
   * @return the timeout
   */
  public Duration timeout() {
    return timeout;
  }
}
