package io.meshnative.discovery;

import java.util.List;
import java.util.Objects;

/**
 * The endpoints of a destination at one moment.
 *
 * @param destination the destination
 * @param endpoints the healthy endpoints; maybe empty
 * @param emptiness why there are none, where there are none
 * @param skipped rows of the catalog that were not taken, one line each with the reason
 * @param protocol what the destination speaks, as its config entries say
 */
public record EndpointSet(
    Destination destination,
    List<Endpoint> endpoints,
    Emptiness emptiness,
    List<String> skipped,
    ApplicationProtocol protocol) {

  /** Why a set is empty. */
  public enum Emptiness {
    /** It is not empty. */
    NOT_EMPTY,
    /** No healthy mesh-capable instance is registered, as far as the agent says. */
    NO_INSTANCE,
    /** Instances were hidden: the token may lack {@code service:read} or {@code node:read}. */
    FILTERED_BY_ACL,
    /** Instances exist, but none could be taken; see {@link EndpointSet#skipped()}. */
    ALL_SKIPPED
  }

  /** Copies the lists. */
  public EndpointSet {
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(protocol, "protocol");
    endpoints = List.copyOf(endpoints);
    skipped = List.copyOf(skipped);
    if (endpoints.isEmpty() == (emptiness == Emptiness.NOT_EMPTY)) {
      throw new IllegalArgumentException(
          "expected a reason exactly where there are no endpoints, found "
              + emptiness
              + " with "
              + endpoints.size());
    }
  }

  /**
   * Makes a set of endpoints whose protocol is not known.
   *
   * @param destination the destination
   * @param endpoints the healthy endpoints; maybe empty
   * @param emptiness why there are none, where there are none
   * @param skipped rows of the catalog that were not taken, one line each with the reason
   */
  public EndpointSet(
      Destination destination,
      List<Endpoint> endpoints,
      Emptiness emptiness,
      List<String> skipped) {
    this(destination, endpoints, emptiness, skipped, ApplicationProtocol.UNKNOWN);
  }
}
