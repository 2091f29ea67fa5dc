package io.meshnative.spi;

import java.io.IOException;

/**
 * Where a source pushes what it learns. Calls may come from any thread, one at a time per sink;
 * they return quickly and never block on the network.
 *
 * @param <T> what is pushed
 */
public interface Sink<T> {

  /**
   * Takes the newest value. A value equal to the last one is welcome and changes nothing; it tells
   * that the control plane answers again.
   *
   * @param value the value
   * @throws InvalidUpdateException if the value cannot be used; the last good one goes on, and the
   *     source may report and retry
   */
  void accept(T value) throws InvalidUpdateException;

  /**
   * Tells that the source cannot reach or understand its control plane. It goes on trying; the last
   * good value goes on.
   *
   * @param cause what went wrong, with what to do next in its message
   */
  void failed(IOException cause);

  /**
   * Tells of trouble ahead while nothing has failed yet, such as an identity that is not renewed.
   *
   * @param message what was expected, what was found, what to do; without secrets
   */
  default void warning(String message) {}
}
