package io.meshnative.benchmarks.spring;

import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.openjdk.jmh.util.ListStatistics;

/**
 * Starts the application in each way, a JVM each, round after round in an order drawn for each, and
 * compares each with the start without the starter in the same round: what slows a round down slows
 * all of its starts.
 */
public final class StartReport {
  private static final double CONFIDENCE = 0.95;
  private static final int AGREED_SEED = 17;

  /**
   * What a start took.
   *
   * @param wallMillis from the JVM's start until the application was up
   * @param cpuMillis of all threads of its process
   */
  record Start(double wallMillis, double cpuMillis) {}

  private final String agent;
  private final Map<StartKind, List<Start>> starts = new EnumMap<>(StartKind.class);

  private StartReport(String agent) {
    this.agent = agent;
  }

  /**
   * Runs it and prints a table.
   *
   * @param arguments how many rounds, at least two
   */
  public static void main(String[] arguments) throws Exception {
    run(Integer.parseInt(arguments[0]), System.out);
    System.exit(0);
  }

  static void run(int rounds, PrintStream out) throws Exception {
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.start()) {
      out.printf(
          Locale.ROOT,
          "Measured on %s %s, %d CPUs; load average %.2f when it began.%n%n",
          System.getProperty("java.vm.name"),
          System.getProperty("java.runtime.version"),
          Runtime.getRuntime().availableProcessors(),
          load());
      StartReport report = new StartReport(plane.address().toString());
      Random chance = new Random(AGREED_SEED);
      report.round(chance, false); // the machine's caches
      for (int i = 0; i < rounds; i++) {
        report.round(chance, true);
      }
      report.print(out);
      out.printf(Locale.ROOT, "%nLoad average %.2f when it ended.%n", load());
    }
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  private void round(Random chance, boolean counts) throws Exception {
    List<StartKind> order = new ArrayList<>(List.of(StartKind.values()));
    Collections.shuffle(order, chance);
    for (StartKind kind : order) {
      Start start = start(kind);
      if (counts) {
        starts.computeIfAbsent(kind, each -> new ArrayList<>()).add(start);
      }
    }
  }

  private Start start(StartKind kind) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of(
            "-Xms256m",
            "-Xmx256m",
            "-classpath",
            kind.classPath(System.getProperty("java.class.path")),
            StartedApplication.class.getName()));
    command.addAll(kind.arguments(agent));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    long begun = System.nanoTime();
    Process process = builder.start();
    try (BufferedReader said = process.inputReader()) {
      for (String line = said.readLine(); line != null; line = said.readLine()) {
        if (line.startsWith(StartedApplication.UP)) {
          long up = System.nanoTime();
          long cpu = Long.parseLong(line.substring(StartedApplication.UP.length()));
          process.waitFor();
          return new Start((up - begun) / 1e6, cpu / 1e6);
        }
      }
      throw new IllegalStateException(
          "expected that the application starts " + kind.title + ", found that it ended");
    } finally {
      process.destroyForcibly();
    }
  }

  private void print(PrintStream out) {
    out.println("| | until up, ms | **ratio of time** | CPU, ms | ratio of CPU |");
    out.println("|---|---|---|---|---|");
    List<Start> plain = starts.getOrDefault(StartKind.WITHOUT, List.of());
    starts.forEach((kind, all) ->
        out.printf(
            Locale.ROOT,
            "| %s | %,.0f | %s | %,.0f | %s |%n",
            kind.title,
            median(all.stream().mapToDouble(Start::wallMillis).toArray()),
            kind == StartKind.WITHOUT
                ? ""
                : "**"
                    + ratio(
                        all.stream().mapToDouble(Start::wallMillis).toArray(),
                        plain.stream().mapToDouble(Start::wallMillis).toArray())
                    + "**",
            median(all.stream().mapToDouble(Start::cpuMillis).toArray()),
            kind == StartKind.WITHOUT
                ? ""
                : ratio(
                    all.stream().mapToDouble(Start::cpuMillis).toArray(),
                    plain.stream().mapToDouble(Start::cpuMillis).toArray())));
  }

  private static double median(double[] values) {
    return new ListStatistics(values).getPercentile(50);
  }

  /** The geometric mean of the rounds' ratios with its confidence interval by Student's t. */
  static String ratio(double[] ours, double[] theirs) {
    double[] logs = new double[ours.length];
    for (int i = 0; i < logs.length; i++) {
      logs[i] = Math.log(ours[i] / theirs[i]);
    }
    ListStatistics statistics = new ListStatistics(logs);
    double mean = statistics.getMean();
    double error = statistics.getMeanErrorAt(CONFIDENCE);
    return String.format(
        Locale.ROOT,
        "%.2f (%.2f–%.2f)",
        Math.exp(mean),
        Math.exp(mean - error),
        Math.exp(mean + error));
  }
}
