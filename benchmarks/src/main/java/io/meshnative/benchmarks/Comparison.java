package io.meshnative.benchmarks;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.ListStatistics;

/**
 * The library and a program by hand, in turns of a fraction of a second, in one JVM that does
 * nothing else: whatever happens to the machine happens to both.
 *
 * <p>The order within a round changes from round to round, so that who comes first does not matter.
 */
final class Comparison {
  /**
   * What to compare.
   *
   * @param title the first column of the table
   * @param benchmark the class
   * @param engine the provider on both sides
   * @param bytes the size of a message, 0 where there is none
   */
  record Subject(String title, Class<?> benchmark, Engine engine, int bytes) {}

  /**
   * How long.
   *
   * @param warmupMillis a turn while warming up
   * @param warmups how many of those each side has
   * @param turnMillis a turn that counts
   * @param rounds how many of those each side has
   */
  record Effort(int warmupMillis, int warmups, int turnMillis, int rounds) {
    static final Effort FULL = new Effort(1500, 3, 500, 20);
    static final Effort SHORT_TURNS = new Effort(750, 3, 200, 20);

    /** For code so deep that the compiler is busy with it for many seconds. */
    static final Effort LONG_WARMUP = new Effort(3000, 3, 200, 40);

    /** For databases, of which there are many paths. */
    static final Effort FEW_TURNS = new Effort(500, 2, 200, 16);

    /** For what is done so seldom in a second that it takes longer to warm up. */
    static final Effort NEW_CONNECTIONS = new Effort(2000, 3, 300, 16);

    static final Effort QUICK = new Effort(300, 1, 100, 4);
  }

  /** What a turn showed, a piece an operation. */
  private record Turn(double micros, double cpuMicros, double bytes) {}

  private final Subject subject;
  private final Effort effort;

  Comparison(Subject subject, Effort effort) {
    this.subject = subject;
    this.effort = effort;
  }

  /** Runs it, and returns a row of the table. */
  String run() throws RunnerException {
    for (int i = 0; i < effort.warmups(); i++) {
      for (Wires.Side side : Wires.Side.values()) {
        turn(side, effort.warmupMillis());
      }
    }
    List<Turn> mesh = new ArrayList<>();
    List<Turn> raw = new ArrayList<>();
    for (int round = 0; round < effort.rounds(); round++) {
      if (round % 2 == 0) {
        mesh.add(turn(Wires.Side.MESH, effort.turnMillis()));
        raw.add(turn(Wires.Side.RAW, effort.turnMillis()));
      } else {
        raw.add(turn(Wires.Side.RAW, effort.turnMillis()));
        mesh.add(turn(Wires.Side.MESH, effort.turnMillis()));
      }
    }
    return row(mesh, raw);
  }

  private Turn turn(Wires.Side side, int millis) throws RunnerException {
    OptionsBuilder options = new OptionsBuilder();
    options
        .include("^" + subject.benchmark().getName().replace(".", "\\.") + "\\.")
        .param("engine", subject.engine().name())
        .param("side", side.name())
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(millis))
        .addProfiler(GCProfiler.class)
        .addProfiler(CpuProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    if (subject.bytes() > 0) {
      options.param("bytes", String.valueOf(subject.bytes()));
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    RunResult result = results.iterator().next();
    return new Turn(
        result.getPrimaryResult().getScore(),
        secondary(result, CpuProfiler.LABEL),
        secondary(result, "gc.alloc.rate.norm"));
  }

  /** JMH marks profilers' labels with a dot in some versions. */
  static double secondary(RunResult result, String label) {
    for (Map.Entry<String, Result> entry : result.getSecondaryResults().entrySet()) {
      if (entry.getKey().endsWith(label)) {
        return entry.getValue().getScore();
      }
    }
    throw new IllegalStateException(
        "expected " + label + ", found " + result.getSecondaryResults().keySet());
  }

  private String row(List<Turn> mesh, List<Turn> raw) {
    double[] ours = mesh.stream().mapToDouble(Turn::micros).toArray();
    double[] theirs = raw.stream().mapToDouble(Turn::micros).toArray();
    double[] ourCpu = mesh.stream().mapToDouble(Turn::cpuMicros).toArray();
    double[] theirCpu = raw.stream().mapToDouble(Turn::cpuMicros).toArray();
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | **%s** | %s | %s | %s | %,.0f | %,.0f |",
        subject.title(),
        shown(ours),
        shown(theirs),
        Ratio.of(ours, theirs),
        shown(ourCpu),
        shown(theirCpu),
        Ratio.of(ourCpu, theirCpu),
        median(mesh.stream().mapToDouble(Turn::bytes).toArray()),
        median(raw.stream().mapToDouble(Turn::bytes).toArray()));
  }

  private static String shown(double[] micros) {
    double median = median(micros);
    return String.format(Locale.ROOT, median < 100 ? "%.1f" : "%,.0f", median);
  }

  private static double median(double[] values) {
    return new ListStatistics(values).getPercentile(50);
  }
}
