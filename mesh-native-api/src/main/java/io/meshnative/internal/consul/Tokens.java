package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import org.jspecify.annotations.Nullable;

/** Where the token of each call comes from. Thread-safe. */
interface Tokens extends AutoCloseable {

  /**
   * Returns the token to use now; null for none. Blocks on the file system, or on the agent where a
   * login is needed.
   *
   * @throws ControlPlaneException if there is to be one and none can be had
   */
  @Nullable String current() throws ControlPlaneException;

  /**
   * The agent does not know this token.
   *
   * @return whether {@link #current()} now gives another one, worth a second attempt
   */
  default boolean refused(@Nullable String token) throws ControlPlaneException {
    return false;
  }

  /** Gives back what was obtained. Idempotent. */
  @Override
  default void close() {}
}
