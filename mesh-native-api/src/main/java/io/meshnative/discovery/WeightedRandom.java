package io.meshnative.discovery;

import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;

/** See {@link LoadBalancer#random()}. */
final class WeightedRandom implements LoadBalancer {
  static final LoadBalancer INSTANCE = new WeightedRandom();

  private WeightedRandom() {}

  @Override
  public void arrange(List<Candidate> candidates, long turn, RandomGenerator random) {
    int sum = WeightedDraw.weight(candidates, 0);
    int drawn = Math.min(candidates.size() - 1, WeightedDraw.DEPTH);
    for (int place = 0; place < drawn; place++) {
      int pick = WeightedDraw.draw(candidates, place, -1, sum, random);
      sum -= candidates.get(pick).endpoint().weight();
      Collections.swap(candidates, place, pick);
    }
  }

  @Override
  public String toString() {
    return "random";
  }
}
