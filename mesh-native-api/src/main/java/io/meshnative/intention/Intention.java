package io.meshnative.intention;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One rule: may this source call this destination.
 *
 * <p>Either {@link #action()} decides (layer 4), or {@link #permissions()} decide request by
 * request (layer 7). What could not be read or is not supported stands in {@link #defects()}: an
 * intention with defects denies its whole destination, it is never skipped.
 *
 * @param source whom the rule is about
 * @param destination whom they call
 * @param action what a layer-4 intention says; empty for a layer-7 one
 * @param permissions what a layer-7 intention says, in order; empty for a layer-4 one
 * @param precedence Consul's number, 9 for exact to exact down to 1; the highest that matches
 *     decides
 * @param requiresJwt whether a verified token is required as well (Consul 1.16+)
 * @param description what its author wrote, maybe empty
 * @param defects why the rule cannot be applied as written; empty for a good one
 */
public record Intention(
    Source source,
    Destination destination,
    Optional<Action> action,
    List<Permission> permissions,
    int precedence,
    boolean requiresJwt,
    String description,
    List<String> defects) {

  /** The name that stands for all. */
  public static final String WILDCARD = "*";

  /** What a rule says. */
  public enum Action {
    /** Let through. */
    ALLOW,
    /** Refuse. */
    DENY
  }

  /**
   * The caller that a rule is about. Names compare exactly, letter case included.
   *
   * @param peer the cluster peer that exports the source; empty for the own cluster
   * @param partition the admin partition
   * @param namespace the namespace or {@value Intention#WILDCARD}
   * @param name the service or {@value Intention#WILDCARD}
   */
  public record Source(String peer, String partition, String namespace, String name) {
    /** Checks that nothing is null. */
    public Source {
      Objects.requireNonNull(peer, "peer");
      Objects.requireNonNull(partition, "partition");
      Objects.requireNonNull(namespace, "namespace");
      Objects.requireNonNull(name, "name");
    }

    /** Returns {@code namespace/name}, with peer and partition where they are not the default. */
    @Override
    public String toString() {
      return (peer.isEmpty() ? "" : "peer " + peer + " ")
          + (partition.equals("default") ? "" : partition + "/")
          + namespace
          + "/"
          + name;
    }
  }

  /**
   * The service that is called. Names compare without regard to letter case, as Consul's do.
   *
   * @param partition the admin partition
   * @param namespace the namespace or {@value Intention#WILDCARD}
   * @param name the service or {@value Intention#WILDCARD}
   */
  public record Destination(String partition, String namespace, String name) {
    /** Checks that nothing is null. */
    public Destination {
      Objects.requireNonNull(partition, "partition");
      Objects.requireNonNull(namespace, "namespace");
      Objects.requireNonNull(name, "name");
    }

    /** Returns {@code namespace/name}, with the partition where it is not the default. */
    @Override
    public String toString() {
      return (partition.equals("default") ? "" : partition + "/") + namespace + "/" + name;
    }
  }

  /**
   * Checks that action and permissions exclude each other, unless a defect says why they do not.
   */
  public Intention {
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(destination, "destination");
    Objects.requireNonNull(action, "action");
    Objects.requireNonNull(description, "description");
    permissions = List.copyOf(permissions);
    defects = List.copyOf(defects);
    if (defects.isEmpty() && action.isPresent() != permissions.isEmpty()) {
      throw new IllegalArgumentException(
          "expected either an action or permissions in the intention "
              + source
              + " => "
              + destination);
    }
  }

  /** Returns source, destination, precedence and action, for messages. */
  @Override
  public String toString() {
    String says =
        action
            .map(Action::name)
            .orElseGet(() -> permissions.size() + " permissions")
            .toLowerCase(java.util.Locale.ROOT);
    return source + " => " + destination + " (precedence " + precedence + ", " + says + ")";
  }
}
