package io.meshnative.discovery;

import io.meshnative.identity.ConsulId;
import java.util.Objects;

/**
 * One instance of a destination: where it listens, and who must answer there.
 *
 * @param instance the catalog's id of the instance, unique within its node
 * @param node the node's name
 * @param host an IP address or a host name, never empty
 * @param port 1 to 65535
 * @param identity the id that the peer must prove
 * @param kind whether the instance itself or a sidecar answers
 * @param weight its share of the load, 1 to 128
 */
public record Endpoint(
    String instance,
    String node,
    String host,
    int port,
    ConsulId.Service identity,
    Kind kind,
    int weight) {

  /** Consul's highest weight. */
  public static final int MAX_WEIGHT = 128;

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
    if (host.isBlank()) {
      throw new IllegalArgumentException(
          "expected an address for instance " + instance + ", found none");
    }
    if (port < 1 || port > 65535) {
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
   * Returns the address as text.
   *
   * @return {@code host:port}, an IPv6 address in brackets
   */
  public String address() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  /**
   * Returns the same endpoint with another share of the load.
   *
   * @param other the weight, 1 to 128
   * @return the endpoint
   */
  public Endpoint weighing(int other) {
    return new Endpoint(instance, node, host, port, identity, kind, other);
  }

  /** Returns address, kind and instance. */
  @Override
  public String toString() {
    return address() + " (" + kind.name().toLowerCase(java.util.Locale.ROOT) + " " + instance + ")";
  }
}
