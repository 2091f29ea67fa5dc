package io.meshnative.discovery;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * How a service enters the catalog: connect-native, with the address on which its peers reach it.
 *
 * <pre>{@code
 * Registration.of(9443).withTags("v1").withMeta(Map.of("version", "1"))
 * Registration.ofListener()     // the port of the first listener, known once it listens
 * }</pre>
 *
 * @param id the instance's id; empty: the service's name and the port
 * @param address the address for peers; empty: the node's address
 * @param port 1 to 65535; 0: the port of the client's first listener
 * @param tags the tags
 * @param meta the metadata
 * @param weight the share of the load while passing, 1 to 128
 * @param checks how the catalog learns whether the service works; unless said otherwise, the client
 *     reports it by itself ({@link #defaultCheck()})
 */
public record Registration(
    Optional<String> id,
    Optional<String> address,
    int port,
    List<String> tags,
    Map<String, String> meta,
    int weight,
    List<Check> checks) {

  /** Checks the parts. */
  public Registration {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(address, "address");
    tags = List.copyOf(tags);
    meta = Map.copyOf(meta);
    checks = List.copyOf(checks);
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException(
          "expected a port from 1 to 65535, or 0 for that of the first listener, found " + port);
    }
    if (weight < 1 || weight > Endpoint.MAX_WEIGHT) {
      throw new IllegalArgumentException(
          "expected a weight from 1 to " + Endpoint.MAX_WEIGHT + ", found " + weight);
    }
    if (id.filter(String::isBlank).isPresent() || address.filter(String::isBlank).isPresent()) {
      throw new IllegalArgumentException(
          "expected an id and an address with text, or none, found a blank one");
    }
  }

  /**
   * Makes a registration with the {@link #defaultCheck()}.
   *
   * @param id the instance's id; empty: the service's name and the port
   * @param address the address for peers; empty: the node's address
   * @param port 1 to 65535; 0: the port of the client's first listener
   * @param tags the tags
   * @param meta the metadata
   * @param weight the share of the load while passing, 1 to 128
   */
  public Registration(
      Optional<String> id,
      Optional<String> address,
      int port,
      List<String> tags,
      Map<String, String> meta,
      int weight) {
    this(id, address, port, tags, meta, weight, List.of(defaultCheck()));
  }

  /**
   * Returns the check of registrations that name none: the client reports every 10 seconds, a
   * report holds for 30, and an instance that has been critical for an hour leaves the catalog.
   *
   * @return the check
   */
  public static Check defaultCheck() {
    return Check.ttl(Duration.ofSeconds(30)).deregisteringAfter(Duration.ofHours(1));
  }

  /**
   * Registers with the port of the client's first listener, as soon as it listens.
   *
   * @return the registration
   */
  public static Registration ofListener() {
    return new Registration(Optional.empty(), Optional.empty(), 0, List.of(), Map.of(), 1);
  }

  /**
   * Registers with this port as soon as the client has its identity.
   *
   * @param port 1 to 65535
   * @return the registration
   */
  public static Registration of(int port) {
    if (port == 0) {
      throw new IllegalArgumentException(
          "expected a port from 1 to 65535, found 0; ofListener() takes the listener's");
    }
    return new Registration(Optional.empty(), Optional.empty(), port, List.of(), Map.of(), 1);
  }

  /**
   * Returns a copy with this id.
   *
   * @param id unique on the agent
   * @return the copy
   */
  public Registration withId(String id) {
    return new Registration(Optional.of(id), address, port, tags, meta, weight, checks);
  }

  /**
   * Returns a copy with this address.
   *
   * @param address an IP address or host name on which peers reach the service
   * @return the copy
   */
  public Registration withAddress(String address) {
    return new Registration(id, Optional.of(address), port, tags, meta, weight, checks);
  }

  /**
   * Returns a copy with these tags.
   *
   * @param tags the tags
   * @return the copy
   */
  public Registration withTags(String... tags) {
    return new Registration(id, address, port, List.of(tags), meta, weight, checks);
  }

  /**
   * Returns a copy with this metadata.
   *
   * @param meta the metadata
   * @return the copy
   */
  public Registration withMeta(Map<String, String> meta) {
    return new Registration(id, address, port, tags, meta, weight, checks);
  }

  /**
   * Returns a copy with this weight.
   *
   * @param weight 1 to 128
   * @return the copy
   */
  public Registration withWeight(int weight) {
    return new Registration(id, address, port, tags, meta, weight, checks);
  }

  /**
   * Returns a copy with this port.
   *
   * @param port 1 to 65535; 0: the port of the client's first listener
   * @return the copy
   */
  public Registration withPort(int port) {
    return new Registration(id, address, port, tags, meta, weight, checks);
  }

  /**
   * Returns a copy with these checks instead of the default one. Where none of them is a TTL check,
   * the client reports nothing.
   *
   * @param checks the checks; all of them must pass
   * @return the copy
   */
  public Registration withChecks(Check... checks) {
    return new Registration(id, address, port, tags, meta, weight, List.of(checks));
  }

  /**
   * Returns a copy without checks: the instance is found until it is deregistered, alive or not.
   *
   * @return the copy
   */
  public Registration withoutChecks() {
    return withChecks();
  }
}
