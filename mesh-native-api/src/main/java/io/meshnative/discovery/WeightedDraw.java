package io.meshnative.discovery;

import java.util.List;
import java.util.random.RandomGenerator;

/** Draws candidates with a chance in proportion to their weights. */
final class WeightedDraw {
  /**
   * How many alternatives are drawn by policy; a dial that fails as often has other troubles, and
   * drawing all of 1,000 costs more than the order is worth.
   */
  static final int DEPTH = 8;

  private WeightedDraw() {}

  /** Returns the sum of the weights from this index on. */
  static int weight(List<LoadBalancer.Candidate> candidates, int from) {
    int sum = 0;
    for (int i = from; i < candidates.size(); i++) {
      sum += candidates.get(i).endpoint().weight();
    }
    return sum;
  }

  /**
   * Draws an index.
   *
   * @param from the first index that may be drawn
   * @param except an index that must not be drawn; -1 for none
   * @param sum the weights of all that may be drawn, at least 1
   */
  static int draw(
      List<LoadBalancer.Candidate> candidates,
      int from,
      int except,
      int sum,
      RandomGenerator random) {
    int rest = random.nextInt(sum);
    int last = -1;
    for (int i = from; i < candidates.size(); i++) {
      if (i == except) {
        continue;
      }
      rest -= candidates.get(i).endpoint().weight();
      last = i;
      if (rest < 0) {
        break;
      }
    }
    return last;
  }
}
