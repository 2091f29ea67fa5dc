package io.meshnative.httpserver;

import java.time.Duration;
import java.util.Objects;

/**
 * What callers may take of a {@link MeshHttpServer}. Immutable; the {@code with} methods return
 * copies. The JDK has limits of its own besides, for the whole process: the system properties
 * {@code sun.net.httpserver.maxReqHeaders}, {@code sun.net.httpserver.maxReqHeaderSize}, {@code
 * jdk.httpserver.maxConnections}, {@code sun.net.httpserver.idleInterval} and others.
 *
 * @param backlog how many connections the operating system queues; positive
 * @param threads how many requests are handled at once where no executor is set; positive
 * @param headTimeout how long the handshake and the head of a request may take together, from the
 *     first byte on; the connection is closed then; positive
 */
public record HttpServerLimits(int backlog, int threads, Duration headTimeout) {
  private static final HttpServerLimits DEFAULTS =
      new HttpServerLimits(511, 256, Duration.ofSeconds(10));

  /** Checks the parts. */
  public HttpServerLimits {
    Objects.requireNonNull(headTimeout, "headTimeout");
    if (backlog < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "expected positive limits, found backlog " + backlog + ", threads " + threads);
    }
    if (headTimeout.isNegative() || headTimeout.isZero()) {
      throw new IllegalArgumentException("expected a positive headTimeout, found " + headTimeout);
    }
  }

  /**
   * Returns the defaults: backlog 511, 256 threads, 10 seconds.
   *
   * @return the defaults
   */
  public static HttpServerLimits defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with this backlog.
   *
   * @param backlog positive
   * @return the copy
   */
  public HttpServerLimits withBacklog(int backlog) {
    return new HttpServerLimits(backlog, threads, headTimeout);
  }

  /**
   * Returns a copy with this number of threads.
   *
   * @param threads positive
   * @return the copy
   */
  public HttpServerLimits withThreads(int threads) {
    return new HttpServerLimits(backlog, threads, headTimeout);
  }

  /**
   * Returns a copy with this time for handshake and head.
   *
   * @param headTimeout positive
   * @return the copy
   */
  public HttpServerLimits withHeadTimeout(Duration headTimeout) {
    return new HttpServerLimits(backlog, threads, headTimeout);
  }
}
