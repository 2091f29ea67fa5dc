package io.meshnative.internal.consul;

import io.meshnative.spi.InvalidUpdateException;
import java.io.IOException;

/**
 * Takes what a watch learns.
 *
 * @param <T> what is learnt
 */
interface Target<T> {

  /**
   * Takes a value, maybe equal to the last one.
   *
   * @param value the value
   * @param reconnected whether the agent answers for the first time, or again after a failure
   */
  void accept(T value, boolean reconnected)
      throws InvalidUpdateException, IOException, InterruptedException;

  /** Tells of a failure; the watch goes on. */
  void failed(IOException cause);

  /**
   * Takes what stands in for a value that the agent refuses to tell.
   *
   * @param value see {@link Query#instead}
   * @param reconnected see {@link #accept}
   */
  default void acceptInstead(T value, boolean reconnected)
      throws InvalidUpdateException, IOException, InterruptedException {
    accept(value, reconnected);
  }
}
