package io.meshnative.internal.transport;

import java.net.SocketTimeoutException;
import java.util.concurrent.TimeUnit;

/**
 * A moment by which something must have ended. Immutable. It never ends early: what remains is
 * rounded up, so that a wait of {@link #remainingMillis()} cannot be shorter than the budget.
 */
public final class Deadline {
  private final int budgetMillis;
  private final long endNanos;

  private Deadline(int budgetMillis) {
    this.budgetMillis = budgetMillis;
    this.endNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(budgetMillis);
  }

  /**
   * Starts a budget now.
   *
   * @param budgetMillis how long, in milliseconds, more than 0: nothing here waits for ever
   * @return the deadline
   */
  public static Deadline afterMillis(int budgetMillis) {
    if (budgetMillis <= 0) {
      throw new IllegalArgumentException(
          "expected a budget of at least 1 ms, found " + budgetMillis);
    }
    return new Deadline(budgetMillis);
  }

  /**
   * Returns the whole budget, for messages.
   *
   * @return milliseconds
   */
  public int budgetMillis() {
    return budgetMillis;
  }

  /**
   * Returns whether the budget has passed.
   *
   * @return true from the end on
   */
  public boolean expired() {
    return endNanos - System.nanoTime() <= 0;
  }

  /**
   * Returns what is left, fit for {@code SO_TIMEOUT} (never 0, which would mean for ever).
   *
   * @return at least 1 ms
   * @throws SocketTimeoutException if nothing is left
   */
  public int remainingMillis() throws SocketTimeoutException {
    long nanos = endNanos - System.nanoTime();
    if (nanos <= 0) {
      throw new SocketTimeoutException("no end within the budget of " + budgetMillis + " ms");
    }
    return (int) ((nanos + 999_999) / 1_000_000);
  }
}
