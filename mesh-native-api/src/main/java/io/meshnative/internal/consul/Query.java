package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One question that is asked again and again: how to ask it, and how to read the answer. Confined
 * to the thread of its watch.
 *
 * @param <T> what an answer means
 */
interface Query<T> {

  /** Names the question, for logs. */
  String name();

  /** How long the agent may hold a call back. */
  Duration hold();

  /**
   * Asks.
   *
   * @param index blocks until the agent's index exceeds this one; 0 asks for an answer at once
   * @return the answer; without an index where the agent gives none: then the next call asks at
   *     once
   */
  Answer read(long index) throws IOException, InterruptedException;

  /**
   * What an answer means besides its body. Two answers with equal bodies and variants mean the
   * same.
   */
  default String variant(Answer answer) {
    return "";
  }

  /** Reads an answer. Consumes its body. */
  T decode(Answer answer) throws ControlPlaneException;

  /** Whether so much is gone that it needs a second, consistent read after trouble. */
  default boolean vanished(T last, T fresh) {
    return false;
  }

  /** The second, consistent read. */
  default Answer confirm() throws IOException, InterruptedException {
    return read(0);
  }

  /**
   * Records that an answer came and could not be used.
   *
   * @param inARow how many times in a row the watch has failed now
   */
  default void unusable(int inARow, IOException failure) {}

  /** A value that stands in after this failure; null if the failure is one. */
  default @Nullable T instead(ControlPlaneException failure) {
    return null;
  }
}
