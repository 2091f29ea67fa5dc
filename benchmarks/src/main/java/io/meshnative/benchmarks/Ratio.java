package io.meshnative.benchmarks;

import java.util.Locale;
import org.openjdk.jmh.util.ListStatistics;

/**
 * How much more one side costs than the other, from rounds in which both had their turn: the
 * geometric mean of the rounds' ratios, with the 95 % confidence interval by Student's t of their
 * logarithms. What slows a whole round down slows both sides, and cancels out.
 *
 * @param mean the ratio
 * @param low the lower end of the interval
 * @param high the upper end
 */
public record Ratio(double mean, double low, double high) {
  private static final double CONFIDENCE = 0.95;

  /**
   * Works it out.
   *
   * @param ours what each round cost us
   * @param theirs what the same rounds cost them
   * @return the ratio
   */
  public static Ratio of(double[] ours, double[] theirs) {
    if (ours.length != theirs.length || ours.length < 2) {
      throw new IllegalArgumentException(
          "expected two rounds or more of both sides, found "
              + ours.length
              + " and "
              + theirs.length);
    }
    double[] logs = new double[ours.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = Math.log(ours[i] / theirs[i]);
    }
    ListStatistics statistics = new ListStatistics(logs);
    double error = statistics.getMeanErrorAt(CONFIDENCE);
    double mean = statistics.getMean();
    return new Ratio(Math.exp(mean), Math.exp(mean - error), Math.exp(mean + error));
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.2f (%.2f–%.2f)", mean, low, high);
  }
}
