package io.meshnative;

import io.meshnative.discovery.Endpoint;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How to dial. Immutable; the {@code with} methods return copies.
 *
 * @param timeout the budget of the whole dial: discovery, connecting to as many endpoints as it
 *     takes, and handshake; positive
 * @param endpoint the one endpoint to dial, empty to let the load balancer choose
 * @param stickyKey dials with equal keys prefer the same endpoint while it is healthy, empty for
 *     none
 * @param alpn the application protocols to offer, in order of preference; empty to offer none
 * @param sni the server name to send, a host name of letters, digits, inner dashes and dots; empty
 *     for the one that Consul gives the destination
 */
public record DialOptions(
    Duration timeout,
    Optional<Endpoint> endpoint,
    Optional<String> stickyKey,
    List<String> alpn,
    Optional<String> sni) {

  private static final DialOptions DEFAULTS =
      new DialOptions(
          Duration.ofSeconds(10), Optional.empty(), Optional.empty(), List.of(), Optional.empty());

  /** Checks the parts. */
  public DialOptions {
    Objects.requireNonNull(endpoint, "endpoint");
    Objects.requireNonNull(stickyKey, "stickyKey");
    Objects.requireNonNull(sni, "sni");
    alpn = List.copyOf(alpn);
    sni.ifPresent(DialOptions::requireHostName);
    for (String protocol : alpn) {
      if (protocol.isEmpty() || protocol.length() > 255) {
        throw new IllegalArgumentException(
            "expected application protocols of 1 to 255 characters, found one of "
                + protocol.length());
      }
    }
    if (timeout.isNegative() || timeout.isZero()) {
      throw new IllegalArgumentException("expected a positive timeout, found " + timeout);
    }
  }

  private static final Pattern HOST_NAME =
      Pattern.compile(
          "(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*");

  private static void requireHostName(String name) {
    if (!HOST_NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "expected a server name of letters, digits, inner dashes and dots, at most 253 characters, found one of "
              + name.length()
              + " characters that is none");
    }
  }

  /**
   * Returns the defaults: 10 seconds, any endpoint, no ALPN.
   *
   * @return the defaults
   */
  public static DialOptions defaults() {
    return DEFAULTS;
  }

  /**
   * Returns a copy with this timeout.
   *
   * @param timeout positive
   * @return the copy
   */
  public DialOptions withTimeout(Duration timeout) {
    return new DialOptions(timeout, endpoint, stickyKey, alpn, sni);
  }

  /**
   * Returns a copy that dials this endpoint only. The peer must still prove the destination's
   * identity.
   *
   * @param endpoint the endpoint
   * @return the copy
   */
  public DialOptions withEndpoint(Endpoint endpoint) {
    return new DialOptions(timeout, Optional.of(endpoint), stickyKey, alpn, sni);
  }

  /**
   * Returns a copy with this key.
   *
   * @param stickyKey any text
   * @return the copy
   */
  public DialOptions withStickyKey(String stickyKey) {
    return new DialOptions(timeout, endpoint, Optional.of(stickyKey), alpn, sni);
  }

  /**
   * Returns a copy that offers these protocols.
   *
   * @param alpn such as {@code "h2", "http/1.1"}
   * @return the copy
   */
  public DialOptions withAlpn(String... alpn) {
    return new DialOptions(timeout, endpoint, stickyKey, List.of(alpn), sni);
  }

  /**
   * Returns a copy that sends this server name.
   *
   * @param sni a host name of letters, digits, dashes and dots
   * @return the copy
   */
  public DialOptions withSni(String sni) {
    return new DialOptions(timeout, endpoint, stickyKey, alpn, Optional.of(sni));
  }
}
