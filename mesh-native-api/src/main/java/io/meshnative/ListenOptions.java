package io.meshnative;

import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * How to listen. Immutable; the {@code with} methods return copies.
 *
 * @param backlog how many connections the operating system queues
 * @param maxConnections how many accepted connections may be open at once; beyond that new ones are
 *     closed
 * @param maxHandshakes how many handshakes may be in flight at once; beyond that new connections
 *     wait in the backlog, and a client that has not sent a byte for a quarter of a second, or that
 *     leaves the next step of its handshake to be waited for after two seconds, loses its place to
 *     them
 * @param handshakeTimeout how long one handshake may take; positive
 * @param alpn the application protocols to select from, in order of preference; empty to select
 *     none
 * @param authorizer who may connect; {@link PeerAuthorizer#intentions()} unless set
 */
public record ListenOptions(
    int backlog,
    int maxConnections,
    int maxHandshakes,
    Duration handshakeTimeout,
    List<String> alpn,
    PeerAuthorizer authorizer) {

  private static final ListenOptions DEFAULTS =
      new ListenOptions(
          511, 100_000, 256, Duration.ofSeconds(10), List.of(), PeerAuthorizer.intentions());

  /** Checks the parts. */
  public ListenOptions {
    alpn = List.copyOf(alpn);
    Objects.requireNonNull(authorizer, "authorizer");
    if (backlog < 1 || maxConnections < 1 || maxHandshakes < 1) {
      throw new IllegalArgumentException(
          "expected positive limits, found backlog "
              + backlog
              + ", maxConnections "
              + maxConnections
              + ", maxHandshakes "
              + maxHandshakes);
    }
    if (handshakeTimeout.isNegative() || handshakeTimeout.isZero()) {
      throw new IllegalArgumentException(
          "expected a positive handshakeTimeout, found " + handshakeTimeout);
    }
  }

  /**
   * Returns the defaults: backlog 511, 100,000 connections, 256 handshakes of 10 seconds, no ALPN,
   * intentions.
   *
   * @return the defaults
   */
  public static ListenOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with this backlog.
   *
   * @param backlog positive
   * @return the copy
   */
  public ListenOptions withBacklog(int backlog) {
    return new ListenOptions(
        backlog, maxConnections, maxHandshakes, handshakeTimeout, alpn, authorizer);
  }

  /**
   * Returns a copy with these limits.
   *
   * @param maxConnections positive
   * @param maxHandshakes positive
   * @return the copy
   */
  public ListenOptions withLimits(int maxConnections, int maxHandshakes) {
    return new ListenOptions(
        backlog, maxConnections, maxHandshakes, handshakeTimeout, alpn, authorizer);
  }

  /**
   * Returns a copy with this handshake timeout.
   *
   * @param handshakeTimeout positive
   * @return the copy
   */
  public ListenOptions withHandshakeTimeout(Duration handshakeTimeout) {
    return new ListenOptions(
        backlog, maxConnections, maxHandshakes, handshakeTimeout, alpn, authorizer);
  }

  /**
   * Returns a copy that selects from these protocols.
   *
   * @param alpn such as {@code "h2", "http/1.1"}
   * @return the copy
   */
  public ListenOptions withAlpn(String... alpn) {
    return new ListenOptions(
        backlog, maxConnections, maxHandshakes, handshakeTimeout, List.of(alpn), authorizer);
  }

  /**
   * Returns a copy with this authorizer.
   *
   * @param authorizer who may connect
   * @return the copy
   */
  public ListenOptions withAuthorizer(PeerAuthorizer authorizer) {
    return new ListenOptions(
        backlog, maxConnections, maxHandshakes, handshakeTimeout, alpn, authorizer);
  }
}
