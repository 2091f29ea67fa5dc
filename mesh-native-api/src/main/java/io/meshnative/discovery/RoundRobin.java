package io.meshnative.discovery;

import java.util.Collections;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * See {@link LoadBalancer#roundRobin()}.
 *
 * <p>A round has as many slots as the weights add up to, and each endpoint owns as many
 * neighbouring slots as its weight. Going through the slots with a stride that has no divisor in
 * common with their number visits each slot once a round; a stride near the golden section spreads
 * the visits of a heavy endpoint.
 */
final class RoundRobin implements LoadBalancer {
  static final LoadBalancer INSTANCE = new RoundRobin();
  private static final double GOLDEN_SECTION = 0.6180339887498949;

  private RoundRobin() {}

  @Override
  public void arrange(List<Candidate> candidates, long turn, RandomGenerator random) {
    int slots = WeightedDraw.weight(candidates, 0);
    int slot = Math.floorMod(Math.floorMod(turn, (long) slots) * stride(slots), slots);
    int pick = 0;
    for (int end = candidates.get(0).endpoint().weight(); end <= slot; ) {
      pick++;
      end += candidates.get(pick).endpoint().weight();
    }
    Collections.rotate(candidates, -pick);
  }

  private static long stride(int slots) {
    int stride = Math.max(1, (int) Math.round(slots * GOLDEN_SECTION));
    while (commonDivisor(stride, slots) != 1) {
      stride++;
    }
    return stride;
  }

  private static int commonDivisor(int a, int b) {
    return b == 0 ? a : commonDivisor(b, a % b);
  }

  @Override
  public String toString() {
    return "round robin";
  }
}
