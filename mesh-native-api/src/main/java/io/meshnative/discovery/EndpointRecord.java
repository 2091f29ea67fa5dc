package io.meshnative.discovery;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What we remember of one instance at one address, from one endpoint set to the next.
 *
 * <p>The standing is replaced as a whole, so that whoever picks reads one consistent value without
 * a lock. It is written under the lock of the pool only.
 */
final class EndpointRecord {

  /** What makes two endpoints the same one. */
  record Key(String instance, String address) {
    static Key of(Endpoint endpoint) {
      return new Key(endpoint.instance(), endpoint.address());
    }
  }

  /**
   * How an endpoint has fared of late.
   *
   * @param failures failures in a row
   * @param lastFailure when the last one was, in nanoseconds of the pool's clock
   * @param ejections ejections since the last success
   * @param ejectedUntil when the last ejection ends; of use only if there was one
   */
  record Standing(int failures, long lastFailure, int ejections, long ejectedUntil) {
    static final Standing CLEAN = new Standing(0, 0, 0, 0);

    boolean isClean() {
      return failures == 0 && ejections == 0;
    }

    Standing failed(long now) {
      return new Standing(
          failures == Integer.MAX_VALUE ? failures : failures + 1, now, ejections, ejectedUntil);
    }

    Standing ejected(long until) {
      return new Standing(failures, lastFailure, ejections + 1, until);
    }

    /** Compares by difference: the clock may wrap around. */
    boolean isEjected(long now) {
      return ejections > 0 && now - ejectedUntil < 0;
    }
  }

  private final AtomicInteger outstanding = new AtomicInteger();
  private volatile Standing standing = Standing.CLEAN;

  Standing standing() {
    return standing;
  }

  void standing(Standing changed) {
    standing = changed;
  }

  int outstanding() {
    return outstanding.get();
  }

  void begin() {
    outstanding.incrementAndGet();
  }

  void end() {
    outstanding.decrementAndGet();
  }

  /** Whether forgetting it would lose anything. */
  boolean isWorthKeeping(long now) {
    return outstanding.get() > 0 || standing.isEjected(now);
  }
}
