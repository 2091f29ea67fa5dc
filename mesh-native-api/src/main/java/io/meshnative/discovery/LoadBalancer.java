package io.meshnative.discovery;

import java.util.List;
import java.util.random.RandomGenerator;

/**
 * In which order the endpoints of a destination are tried.
 *
 * <pre>{@code
 * LoadBalancer.powerOfTwoChoices()        // the default: adapts to slow instances
 * LoadBalancer.roundRobin()
 * LoadBalancer.random()
 * LoadBalancer.rendezvous("customer-17")  // the same endpoint as long as it is there
 * }</pre>
 *
 * <p>All four honour {@linkplain Endpoint#weight() weights}: an endpoint of weight 10 gets ten
 * times the share of one of weight 1. Implementations keep no state and are safe for use by many
 * threads and destinations at once; what changes from dial to dial is passed in.
 */
@FunctionalInterface
public interface LoadBalancer {

  /**
   * Puts the candidates into the order in which to try them. The first is the pick, the others are
   * for when it fails. Called once for every dial, on the dialling thread; must not block.
   *
   * @param candidates at least one; the list belongs to the call and may be changed, but only
   *     reordered
   * @param turn how many dials of the destination came before; it wraps around
   * @param random the source of chance
   */
  void arrange(List<Candidate> candidates, long turn, RandomGenerator random);

  /** An endpoint that may be picked. */
  interface Candidate {
    /**
     * Returns the endpoint.
     *
     * @return the endpoint
     */
    Endpoint endpoint();

    /**
     * Returns how much is going on there by our own doing.
     *
     * @return the number of attempts and connections that were begun and not closed
     */
    int outstanding();
  }

  /**
   * Draws two endpoints by weight and takes the one with less outstanding work for its weight.
   * Nearly as even as asking all of them, without the herd that runs after the one idle endpoint
   * (Mitzenmacher 2001).
   *
   * @return the policy
   */
  static LoadBalancer powerOfTwoChoices() {
    return PowerOfTwoChoices.INSTANCE;
  }

  /**
   * Goes round, each endpoint as often per round as its weight says, evenly spread.
   *
   * @return the policy
   */
  static LoadBalancer roundRobin() {
    return RoundRobin.INSTANCE;
  }

  /**
   * Draws by weight.
   *
   * @return the policy
   */
  static LoadBalancer random() {
    return WeightedRandom.INSTANCE;
  }

  /**
   * Prefers the endpoint on which the key's hash falls: the same key goes to the same endpoint from
   * every client, and when an endpoint comes or goes, only the keys move that fall on it
   * (rendezvous hashing).
   *
   * @param stickyKey what sticks together, such as a customer's number
   * @return the policy
   */
  static LoadBalancer rendezvous(String stickyKey) {
    return new Rendezvous(stickyKey);
  }
}
