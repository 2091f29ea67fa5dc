package io.meshnative.discovery;

import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;

/** See {@link LoadBalancer#powerOfTwoChoices()}. */
final class PowerOfTwoChoices implements LoadBalancer {
  static final LoadBalancer INSTANCE = new PowerOfTwoChoices();

  private PowerOfTwoChoices() {}

  @Override
  public void arrange(List<Candidate> candidates, long turn, RandomGenerator random) {
    int sum = WeightedDraw.weight(candidates, 0);
    int drawn = Math.min(candidates.size() - 1, WeightedDraw.DEPTH);
    for (int place = 0; place < drawn; place++) {
      int first = WeightedDraw.draw(candidates, place, -1, sum, random);
      int others = sum - candidates.get(first).endpoint().weight();
      int second = WeightedDraw.draw(candidates, place, first, others, random);
      int pick = isLessLoaded(candidates.get(second), candidates.get(first)) ? second : first;
      sum -= candidates.get(pick).endpoint().weight();
      Collections.swap(candidates, place, pick);
    }
  }

  /** Strictly less, so that with no load at all the first draw stands, which is fair by weight. */
  private static boolean isLessLoaded(Candidate one, Candidate other) {
    return (long) one.outstanding() * other.endpoint().weight()
        < (long) other.outstanding() * one.endpoint().weight();
  }

  @Override
  public String toString() {
    return "power of two choices";
  }
}
