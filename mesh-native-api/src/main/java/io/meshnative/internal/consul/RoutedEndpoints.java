package io.meshnative.internal.consul;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.discovery.EndpointSet.Emptiness;
import io.meshnative.internal.consul.Route.Branch;
import io.meshnative.internal.consul.Route.ChainTarget;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The endpoints of a destination by its route: of each branch the first target that has any. Not
 * thread-safe.
 *
 * <p>Nothing is told before it is known of every target that would go first; a target that cannot
 * be read counts as one without endpoints, until it can.
 */
final class RoutedEndpoints {
  private final Destination destination;
  private final Map<ChainTarget, EndpointSet> known = new HashMap<>();
  private final Set<ChainTarget> unreadable = new HashSet<>();
  private @Nullable Route route;
  private Set<ChainTarget> serving = Set.of();

  RoutedEndpoints(Destination destination) {
    this.destination = destination;
  }

  /** Takes a new route; what is known of targets that are on it still holds. */
  void follow(Route newer) {
    route = newer;
    known.keySet().retainAll(newer.reachable());
    unreadable.retainAll(newer.reachable());
  }

  void learn(ChainTarget target, EndpointSet endpoints) {
    known.put(target, endpoints);
    unreadable.remove(target);
  }

  /** A target could not be read. What was known of it still holds. */
  void lose(ChainTarget target) {
    unreadable.add(target);
  }

  /** The targets in use. */
  Set<ChainTarget> serving() {
    return serving;
  }

  /** The endpoints; empty while it is not known who serves. */
  Optional<EndpointSet> endpoints() {
    Route by = route;
    if (by == null) {
      return Optional.empty();
    }
    List<EndpointSet> shares = new ArrayList<>();
    Set<ChainTarget> used = new LinkedHashSet<>();
    List<String> skipped = new ArrayList<>();
    for (Branch branch : by.branches()) {
      EndpointSet best = null;
      for (ChainTarget target : branch.targets()) {
        if (target.unreachable().isPresent()) {
          skipped.add(target + ": " + target.unreachable().get());
          continue;
        }
        EndpointSet set = known.get(target);
        if (set == null) {
          if (!unreadable.contains(target)) {
            return Optional.empty();
          }
          continue;
        }
        best = best == null || !set.endpoints().isEmpty() ? set : best;
        if (!set.endpoints().isEmpty()) {
          used.add(target);
          break;
        }
      }
      if (best != null) {
        shares.add(best);
      }
      skipped.addAll(best == null ? List.of() : best.skipped());
    }
    if (shares.isEmpty() && by.reachable().stream().anyMatch(unreadable::contains)) {
      return Optional.empty();
    }
    serving = used;
    return Optional.of(merged(by, shares, skipped));
  }

  private EndpointSet merged(Route by, List<EndpointSet> shares, List<String> skipped) {
    List<Endpoint> endpoints =
        by.branches().size() == 1 && shares.size() == 1 ? shares.get(0).endpoints() : weighted(by);
    return new EndpointSet(
        destination, endpoints, emptiness(endpoints, shares), skipped, by.protocol());
  }

  private static Emptiness emptiness(List<Endpoint> endpoints, List<EndpointSet> shares) {
    if (!endpoints.isEmpty()) {
      return Emptiness.NOT_EMPTY;
    }
    return shares.isEmpty() ? Emptiness.ALL_SKIPPED : shares.get(0).emptiness();
  }

  /**
   * Endpoints whose weights give each branch its share; a branch without endpoints leaves its share
   * to the others. Weights are whole numbers up to {@link Endpoint#MAX_WEIGHT}, at least 1: very
   * small shares come out larger than they were asked for.
   */
  private List<Endpoint> weighted(Route by) {
    Map<Endpoint, Double> exact = new LinkedHashMap<>();
    for (Branch branch : by.branches()) {
      List<Endpoint> serving = serving(branch);
      int whole = serving.stream().mapToInt(Endpoint::weight).sum();
      for (Endpoint endpoint : serving) {
        exact.merge(endpoint, branch.share() * endpoint.weight() / whole, Double::sum);
      }
    }
    double heaviest = exact.values().stream().mapToDouble(Double::doubleValue).max().orElse(1);
    List<Endpoint> weighted = new ArrayList<>();
    exact.forEach((endpoint, weight) ->
        weighted.add(
            endpoint.weighing(
                (int) Math.max(1, Math.round(weight * Endpoint.MAX_WEIGHT / heaviest)))));
    return weighted;
  }

  private List<Endpoint> serving(Branch branch) {
    for (ChainTarget target : branch.targets()) {
      EndpointSet set = known.get(target);
      if (set != null && !set.endpoints().isEmpty()) {
        return set.endpoints();
      }
    }
    return List.of();
  }
}
