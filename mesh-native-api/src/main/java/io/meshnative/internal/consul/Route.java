package io.meshnative.internal.consul;

import io.meshnative.discovery.ApplicationProtocol;
import io.meshnative.discovery.Destination;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where the compiled discovery chain of a destination leads a connection. A connection has no path
 * and no header: of a router, its catch-all route counts.
 *
 * @param branches what the load is split over; at least one, with shares above 0
 * @param protocol what all of them speak: Consul refuses chains that mix protocols
 */
record Route(List<Branch> branches, ApplicationProtocol protocol) {

  /**
   * A share of the load.
   *
   * @param share its part, in any unit that is the same for all branches
   * @param targets in the order of failover: the next one serves where none before it has a healthy
   *     endpoint; never empty
   */
  record Branch(double share, List<ChainTarget> targets) {
    Branch {
      targets = List.copyOf(targets);
    }
  }

  /**
   * Instances that a chain ends in.
   *
   * @param destination the service that must answer
   * @param filter selects among its instances (a subset); empty for all
   * @param unreachable why it cannot be dialled, where it cannot
   */
  record ChainTarget(Destination destination, String filter, Optional<String> unreachable) {
    static ChainTarget of(Destination destination) {
      return new ChainTarget(destination, "", Optional.empty());
    }

    @Override
    public String toString() {
      return destination + (filter.isEmpty() ? "" : " where " + filter);
    }
  }

  Route {
    branches = List.copyOf(branches);
  }

  /** No chain but the default one: the destination itself. */
  static Route to(Destination destination) {
    return to(destination, ApplicationProtocol.UNKNOWN);
  }

  static Route to(Destination destination, ApplicationProtocol protocol) {
    return new Route(List.of(new Branch(1, List.of(ChainTarget.of(destination)))), protocol);
  }

  /** All targets that can be dialled, in order. */
  Set<ChainTarget> reachable() {
    Set<ChainTarget> all = new LinkedHashSet<>();
    for (Branch branch : branches) {
      for (ChainTarget target : branch.targets()) {
        if (target.unreachable().isEmpty()) {
          all.add(target);
        }
      }
    }
    return all;
  }

  /** Such as {@code 90% db-v2, 10% db, then db dc=dc2}. */
  @Override
  public String toString() {
    double whole = branches.stream().mapToDouble(Branch::share).sum();
    List<String> parts = new ArrayList<>();
    for (Branch branch : branches) {
      List<String> targets = branch.targets().stream().map(ChainTarget::toString).toList();
      String share =
          branches.size() == 1 ? "" : Math.round(branch.share() * 10_000 / whole) / 100.0 + "% ";
      parts.add(share + String.join(", then ", targets));
    }
    return String.join("; ", parts);
  }
}
