package io.meshnative.discovery;

import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * How the catalog learns whether a registered service works.
 *
 * <pre>{@code
 * Check.ttl(Duration.ofSeconds(30))                                        // the client reports itself
 * Check.tcp("10.0.0.5:9443", Duration.ofSeconds(10)).withTimeout(Duration.ofSeconds(2))
 * Check.http(URI.create("http://127.0.0.1:8080/health"), Duration.ofSeconds(10))
 * Check.grpc("127.0.0.1:9090/orders", Duration.ofSeconds(10)).startingAs(Check.Status.PASSING)
 * }</pre>
 *
 * <p>The agent that makes the call has no certificate of the mesh: HTTP and gRPC checks need a port
 * that speaks without one. A TCP check of a mesh port only proves that somebody listens.
 *
 * <p>Immutable and thread-safe.
 *
 * @param kind what is done
 * @param target what is called: {@code host:port}, a URL, or {@code host:port[/service]}; empty for
 *     {@link Kind#TTL}
 * @param period how often it is called; for {@link Kind#TTL} how long a report holds. At least a
 *     second
 * @param timeout how long a call may take; empty: the agent's default
 * @param deregisterAfter how long the service may be critical before the agent takes it out of the
 *     catalog, at least a minute; empty: for ever
 * @param initial the status until the first result
 * @param tls whether a gRPC check speaks TLS
 */
public record Check(
    Kind kind,
    String target,
    Duration period,
    Optional<Duration> timeout,
    Optional<Duration> deregisterAfter,
    Status initial,
    boolean tls) {

  /** What a check does. */
  public enum Kind {
    /** The service reports by itself; the client does it. */
    TTL,
    /** The agent opens a connection and closes it. */
    TCP,
    /** The agent makes a GET request: 2xx passes, 429 warns, anything else is critical. */
    HTTP,
    /** The agent makes a call of gRPC's health protocol. */
    GRPC
  }

  /** How a service is. */
  public enum Status {
    /** It works. */
    PASSING,
    /** It works, somehow; it is found like one that passes unless callers ask otherwise. */
    WARNING,
    /** It does not work, and is not found. */
    CRITICAL;

    /**
     * Returns the name as Consul writes it.
     *
     * @return the lower-case name
     */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Checks the parts. */
  public Check {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(target, "target");
    Objects.requireNonNull(initial, "initial");
    if (period.compareTo(Duration.ofSeconds(1)) < 0) {
      throw new IllegalArgumentException(
          "expected a period of at least a second for a check, found " + period);
    }
    if (timeout.filter(time -> time.isNegative() || time.isZero()).isPresent()) {
      throw new IllegalArgumentException(
          "expected a timeout greater than zero for a check, found " + timeout.get());
    }
    if (deregisterAfter.filter(time -> time.compareTo(Duration.ofMinutes(1)) < 0).isPresent()) {
      throw new IllegalArgumentException(
          "expected at least a minute before a critical service is deregistered, as the agent does,"
              + " found "
              + deregisterAfter.get());
    }
    checkTarget(kind, target);
  }

  private static void checkTarget(Kind kind, String target) {
    boolean good =
        switch (kind) {
          case TTL -> target.isEmpty();
          case TCP -> target.matches("[^\\s/@]+:[0-9]{1,5}");
          case GRPC -> target.matches("[^\\s/@]+:[0-9]{1,5}(/[^\\s]*)?");
          case HTTP -> target.matches("https?://[^\\s/@]+(/[^\\s]*)?");
        };
    if (!good) {
      throw new IllegalArgumentException(
          switch (kind) {
            case TTL -> "expected no target for a TTL check, found one";
            case TCP -> "expected host:port for a TCP check, found another text";
            case GRPC -> "expected host:port or host:port/service for a gRPC check, found another";
            case HTTP -> "expected http:// or https:// with a host, and no user, for an HTTP check";
          });
    }
  }

  private static Check of(Kind kind, String target, Duration period, Status initial) {
    return new Check(kind, target, period, Optional.empty(), Optional.empty(), initial, false);
  }

  /**
   * The client reports about every third of this time: passing while it serves, critical when its
   * identity or policy has ended. Without a report the service turns critical.
   *
   * @param period how long a report holds, at least a second
   * @return the check, which starts as passing
   */
  public static Check ttl(Duration period) {
    return of(Kind.TTL, "", period, Status.PASSING);
  }

  /**
   * The agent opens a connection.
   *
   * @param hostAndPort as the agent reaches it, such as {@code 10.0.0.5:9443}
   * @param interval how often
   * @return the check, which starts as critical
   */
  public static Check tcp(String hostAndPort, Duration interval) {
    return of(Kind.TCP, hostAndPort, interval, Status.CRITICAL);
  }

  /**
   * The agent makes a GET request.
   *
   * @param url an http or https URL, as the agent reaches it
   * @param interval how often
   * @return the check, which starts as critical
   */
  public static Check http(URI url, Duration interval) {
    return of(Kind.HTTP, url.toString(), interval, Status.CRITICAL);
  }

  /**
   * The agent makes a call of gRPC's health protocol.
   *
   * @param target {@code host:port}, or {@code host:port/service} to ask for one service
   * @param interval how often
   * @return the check, which starts as critical
   */
  public static Check grpc(String target, Duration interval) {
    return of(Kind.GRPC, target, interval, Status.CRITICAL);
  }

  /**
   * Returns a copy whose calls may take this long.
   *
   * @param timeout greater than zero
   * @return the copy
   */
  public Check withTimeout(Duration timeout) {
    return new Check(kind, target, period, Optional.of(timeout), deregisterAfter, initial, tls);
  }

  /**
   * Returns a copy after which a service that stays critical for so long leaves the catalog.
   *
   * @param time at least a minute
   * @return the copy
   */
  public Check deregisteringAfter(Duration time) {
    return new Check(kind, target, period, timeout, Optional.of(time), initial, tls);
  }

  /**
   * Returns a copy with this status until the first result.
   *
   * @param status the status
   * @return the copy
   */
  public Check startingAs(Status status) {
    return new Check(kind, target, period, timeout, deregisterAfter, status, tls);
  }

  /**
   * Returns a copy of a gRPC check that speaks TLS, or plaintext. For HTTP the URL says it.
   *
   * @param on true for TLS
   * @return the copy
   */
  public Check withTls(boolean on) {
    return new Check(kind, target, period, timeout, deregisterAfter, initial, on);
  }
}
