package io.meshnative.discovery;

import io.meshnative.identity.ConsulId;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;

/**
 * One instance of a destination: where it listens, and who must answer there. That is a TCP port,
 * or a unix socket; then {@link #port} is 0, so that nobody who overlooks the socket connects to
 * another one by mistake.
 *
 * @param instance the catalog's id of the instance, unique within its node
 * @param node the node's name
 * @param host an IP address or a host name, never empty; that of the machine where the unix socket
 *     is, if it is one
 * @param port 1 to 65535; 0 if it is a unix socket
 * @param identity the id that the peer must prove
 * @param kind whether the instance itself or a sidecar answers
 * @param weight its share of the load, 1 to 128
 * @param socketPath the absolute path of the unix socket, at most {@value #MAX_SOCKET_PATH} bytes
 *     long and without {@code .} and {@code ..}; empty for TCP
 */
public record Endpoint(
    String instance,
    String node,
    String host,
    int port,
    ConsulId.Service identity,
    Kind kind,
    int weight,
    Optional<String> socketPath) {

  /** Consul's highest weight. */
  public static final int MAX_WEIGHT = 128;

  /** What fits into a socket address of Linux beside the zero at its end. */
  public static final int MAX_SOCKET_PATH = 107;

  /** Who answers at an endpoint. */
  public enum Kind {
    /** The service itself, connect-native. */
    NATIVE,
    /** A sidecar proxy in front of it. */
    PROXY
  }

  /** Checks the parts. */
  public Endpoint {
    Objects.requireNonNull(instance, "instance");
    Objects.requireNonNull(node, "node");
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(identity, "identity");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(socketPath, "socketPath");
    if (host.isBlank()) {
      throw new IllegalArgumentException(
          "expected an address for instance " + instance + ", found none");
    }
    if (socketPath.isPresent()) {
      requireSocketPath(instance, socketPath.get());
      if (port != 0) {
        throw new IllegalArgumentException(
            "expected no port beside the unix socket of instance " + instance + ", found " + port);
      }
    } else if (port < 1 || port > 65535) {
      throw new IllegalArgumentException(
          "expected a port from 1 to 65535 for instance " + instance + ", found " + port);
    }
    if (weight < 1 || weight > MAX_WEIGHT) {
      throw new IllegalArgumentException(
          "expected a weight from 1 to "
              + MAX_WEIGHT
              + " for instance "
              + instance
              + ", found "
              + weight);
    }
  }

  /**
   * An instance that listens on a TCP port.
   *
   * @param instance the catalog's id of the instance, unique within its node
   * @param node the node's name
   * @param host an IP address or a host name, never empty
   * @param port 1 to 65535
   * @param identity the id that the peer must prove
   * @param kind whether the instance itself or a sidecar answers
   * @param weight its share of the load, 1 to 128
   */
  public Endpoint(
      String instance,
      String node,
      String host,
      int port,
      ConsulId.Service identity,
      Kind kind,
      int weight) {
    this(instance, node, host, port, identity, kind, weight, Optional.empty());
  }

  /**
   * A path from a catalog is used as it stands, or not at all. It is no name of anything else: not
   * of the abstract namespace, not below the working directory, not on a detour.
   */
  private static void requireSocketPath(String instance, String path) {
    boolean plain =
        path.length() > 1
            && path.startsWith("/")
            && path.getBytes(StandardCharsets.UTF_8).length <= MAX_SOCKET_PATH
            && path.chars().noneMatch(Character::isISOControl)
            && !path.endsWith("/");
    for (String part : path.substring(Math.min(1, path.length())).split("/", -1)) {
      plain &= !part.isEmpty() && !part.equals(".") && !part.equals("..");
    }
    if (!plain) {
      throw new IllegalArgumentException(
          "expected an absolute path of at most "
              + MAX_SOCKET_PATH
              + " bytes, without detours, for the unix socket of instance "
              + instance
              + ", found another text");
    }
  }

  /**
   * Returns the address as text.
   *
   * @return {@code host:port}, an IPv6 address in brackets; or {@code unix:} and the path
   */
  public String address() {
    if (socketPath.isPresent()) {
      return "unix:" + socketPath.get();
    }
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  /**
   * Returns the same endpoint with another share of the load.
   *
   * @param other the weight, 1 to 128
   * @return the endpoint
   */
  public Endpoint weighing(int other) {
    return new Endpoint(instance, node, host, port, identity, kind, other, socketPath);
  }

  /** Returns address, kind and instance. */
  @Override
  public String toString() {
    return address() + " (" + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + instance + ")";
  }
}
