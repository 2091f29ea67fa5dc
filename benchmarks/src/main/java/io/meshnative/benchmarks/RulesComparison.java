package io.meshnative.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.ListStatistics;

/**
 * The decision over one set of rules by each who can make it, in turns of a fraction of a second in
 * one JVM. The order within a round goes round.
 */
final class RulesComparison {
  /** Who decides. */
  enum Side {
    MESH("mesh"),
    MESH_FROM_RAW("meshFromRaw"),
    GRPC("grpc"),
    AGENT("agent");

    private final String method;

    Side(String method) {
      this.method = method;
    }
  }

  static final List<RuleSet> SETS = sets();

  private record Turn(double nanos, double bytes) {}

  private final RuleSet set;
  private final Comparison.Effort effort;

  RulesComparison(RuleSet set, Comparison.Effort effort) {
    this.set = set;
    this.effort = effort;
  }

  private static List<RuleSet> sets() {
    List<RuleSet> sets = new ArrayList<>();
    for (RuleSet.Shape shape : RuleSet.Shape.values()) {
      for (int rules : new int[] {1, 10, 100, 1000}) {
        sets.add(new RuleSet(shape, rules));
      }
    }
    return List.copyOf(sets);
  }

  static String head() {
    return "| rules | ours, ns | ours from the raw request, ns | grpc-java's engine, ns | **theirs /"
        + " ours** | agent's `authorize`, ns | **theirs / ours** | ours, B/op | from raw, B/op |"
        + " grpc-java's, B/op |\n|---|---|---|---|---|---|---|---|---|---|";
  }

  /** Runs it, with the agent where there is one and the rules are its, and returns a row. */
  String run(Optional<Path> consul) throws Exception {
    boolean asksAgent = consul.isPresent() && set.shape() == RuleSet.Shape.INTENTIONS;
    List<Side> sides = new ArrayList<>(List.of(Side.values()));
    if (!asksAgent) {
      sides.remove(Side.AGENT);
      return turns(sides);
    }
    try (AgentRules agent = new AgentRules(consul.get(), set)) {
      RulesBenchmark.agent(agent);
      return turns(sides);
    }
  }

  private String turns(List<Side> sides) throws RunnerException {
    for (int i = 0; i < effort.warmups(); i++) {
      for (Side side : sides) {
        turn(side, effort.warmupMillis());
      }
    }
    Map<Side, List<Turn>> turns = new EnumMap<>(Side.class);
    List<Side> order = new ArrayList<>(sides);
    for (int round = 0; round < effort.rounds(); round++) {
      for (Side side : order) {
        turns.computeIfAbsent(side, key -> new ArrayList<>()).add(turn(side, effort.turnMillis()));
      }
      Collections.rotate(order, 1);
    }
    return row(turns);
  }

  private Turn turn(Side side, int millis) throws RunnerException {
    OptionsBuilder options = new OptionsBuilder();
    options
        .include(
            "^" + RulesBenchmark.class.getName().replace(".", "\\.") + "\\." + side.method + "$")
        .param("shape", set.shape().name())
        .param("rules", String.valueOf(set.rules()))
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(millis))
        .addProfiler(GCProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    RunResult result = new Runner(options.build()).run().iterator().next();
    return new Turn(
        result.getPrimaryResult().getScore(), Comparison.secondary(result, "gc.alloc.rate.norm"));
  }

  private String row(Map<Side, List<Turn>> turns) {
    String name = set.shape().name().toLowerCase(Locale.ROOT);
    return String.format(
        Locale.ROOT,
        "| %,d %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |",
        set.rules(),
        set.rules() == 1 ? name.substring(0, name.length() - 1) : name,
        time(turns.get(Side.MESH)),
        time(turns.get(Side.MESH_FROM_RAW)),
        time(turns.get(Side.GRPC)),
        ratio(turns, Side.GRPC),
        turns.containsKey(Side.AGENT) ? time(turns.get(Side.AGENT)) : "–",
        turns.containsKey(Side.AGENT) ? ratio(turns, Side.AGENT) : "–",
        bytes(turns.get(Side.MESH)),
        bytes(turns.get(Side.MESH_FROM_RAW)),
        bytes(turns.get(Side.GRPC)));
  }

  private static String ratio(Map<Side, List<Turn>> turns, Side side) {
    Ratio ratio = Ratio.of(nanos(turns.get(side)), nanos(turns.get(Side.MESH)));
    return String.format(
        Locale.ROOT,
        "**%s (%s–%s)**",
        factor(ratio.mean()),
        factor(ratio.low()),
        factor(ratio.high()));
  }

  private static String factor(double factor) {
    return String.format(Locale.ROOT, factor < 100 ? "%.1f" : "%,.0f", factor);
  }

  private static double[] nanos(List<Turn> turns) {
    return turns.stream().mapToDouble(Turn::nanos).toArray();
  }

  private static String time(List<Turn> turns) {
    double median = new ListStatistics(nanos(turns)).getPercentile(50);
    return String.format(Locale.ROOT, median < 100 ? "%.1f" : "%,.0f", median);
  }

  private static String bytes(List<Turn> turns) {
    double median =
        new ListStatistics(turns.stream().mapToDouble(Turn::bytes).toArray()).getPercentile(50);
    return String.format(Locale.ROOT, "%,.0f", median);
  }
}
