package io.meshnative.benchmarks;

import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import okhttp3.Protocol;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs everything and writes the tables of {@code docs/performance.md}: the decisions, forked as
 * JMH does it; then each comparison in a JVM of its own, one after the other.
 */
public final class Report {
  private static final List<Comparison.Subject> SUBJECTS =
      List.of(
          subject(
              "full mutual handshake, Conscrypt", HandshakeBenchmark.class, Engine.CONSCRYPT, 0),
          subject("full mutual handshake, JSSE", HandshakeBenchmark.class, Engine.JSSE, 0),
          subject("echo 64 B, Conscrypt", EchoBenchmark.class, Engine.CONSCRYPT, 64),
          subject("echo 64 B, JSSE", EchoBenchmark.class, Engine.JSSE, 64),
          subject("echo 16 KiB, Conscrypt", EchoBenchmark.class, Engine.CONSCRYPT, 16384),
          subject("echo 16 KiB, JSSE", EchoBenchmark.class, Engine.JSSE, 16384));

  private static final List<HttpComparison> HTTP =
      List.of(
          new HttpComparison("HTTP/1.1, Conscrypt", Engine.CONSCRYPT, Protocol.HTTP_1_1, 1),
          new HttpComparison("HTTP/1.1 × 8, Conscrypt", Engine.CONSCRYPT, Protocol.HTTP_1_1, 8),
          new HttpComparison("HTTP/2, Conscrypt", Engine.CONSCRYPT, Protocol.HTTP_2, 1),
          new HttpComparison("HTTP/2 × 8, Conscrypt", Engine.CONSCRYPT, Protocol.HTTP_2, 8),
          new HttpComparison("HTTP/1.1, JSSE", Engine.JSSE, Protocol.HTTP_1_1, 1),
          new HttpComparison("HTTP/2, JSSE", Engine.JSSE, Protocol.HTTP_2, 1));

  private final PrintStream out;
  private final boolean quick;

  private Report(PrintStream out, boolean quick) {
    this.out = out;
    this.quick = quick;
  }

  private static Comparison.Subject subject(
      String title, Class<?> benchmark, Engine engine, int bytes) {
    return new Comparison.Subject(title, benchmark, engine, bytes);
  }

  /**
   * Runs.
   *
   * @param arguments where to write the tables to; then nothing, or {@code quick}, and {@code http}
   *     for the paths of HTTP alone. Or {@code compare}, {@code rules} or {@code http}, the number
   *     of a comparison, and {@code full} or {@code quick}: what this program starts itself with
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("compare")) {
      compare(Integer.parseInt(arguments[1]), arguments[2].equals("quick"));
      return;
    }
    if (arguments[0].equals("rules")) {
      rules(Integer.parseInt(arguments[1]), arguments[2].equals("quick"));
      return;
    }
    if (arguments[0].equals("http")) {
      HTTP.get(Integer.parseInt(arguments[1]))
          .run(effort(arguments[2].equals("quick")))
          .forEach(System.out::println);
      return;
    }
    Path file = Path.of(arguments[0]);
    List<String> options = List.of(arguments).subList(1, arguments.length);
    try (PrintStream out =
        new PrintStream(Files.newOutputStream(file), true, StandardCharsets.UTF_8)) {
      new Report(out, options.contains("quick")).run(options.contains("http"));
    }
    System.out.println();
    System.out.print(Files.readString(file));
  }

  private static Comparison.Effort effort(boolean quick) {
    return quick ? Comparison.Effort.QUICK : Comparison.Effort.FULL;
  }

  private static void compare(int number, boolean quick) throws Exception {
    Comparison.Subject subject = SUBJECTS.get(number);
    Comparison.Effort effort = effort(quick);
    try {
      String agreed = Wires.describe(subject.engine());
      System.out.println("row " + new Comparison(subject, effort).run());
      System.out.println("agreed " + subject.engine() + ": " + agreed);
    } finally {
      Wires.close();
    }
  }

  private static void rules(int number, boolean quick) throws Exception {
    Comparison.Effort effort = quick ? Comparison.Effort.QUICK : Comparison.Effort.SHORT_TURNS;
    RulesComparison comparison = new RulesComparison(RulesComparison.SETS.get(number), effort);
    System.out.println("row " + comparison.run(AgentRules.binary()));
  }

  private void run(boolean httpAlone) throws Exception {
    long begun = System.nanoTime();
    out.printf(
        Locale.ROOT,
        "Measured on %s %s, %s, %d CPUs; load average %.2f when it began.%n%n",
        System.getProperty("java.vm.name"),
        System.getProperty("java.runtime.version"),
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    Comparison.Effort effort = effort(quick);
    String each =
        String.format(
            Locale.ROOT,
            "Each comparison: one JVM, %d + %d turns a side, of %d ms each that counts.",
            effort.warmups(),
            effort.rounds(),
            effort.turnMillis());
    List<String> agreed = new ArrayList<>();
    if (!httpAlone) {
      decisions();
      out.println();
      rules();
      out.printf(
          "%n%s Ratios are ours / by hand, with their 95 %% confidence intervals.%n%n", each);
      out.println(
          "| | ours, µs | by hand, µs | **ratio of time** | ours, CPU µs | by hand, CPU µs | ratio"
              + " of CPU | ours, B/op | by hand, B/op |");
      out.println("|---|---|---|---|---|---|---|---|---|");
      for (int i = 0; i < SUBJECTS.size(); i++) {
        print(inItsOwnJvm("compare", i), agreed);
      }
      out.println();
    }
    out.printf(
        "%s Ratios are mesh / the path of the row, with their 95 %% confidence intervals: below 1"
            + " the mesh takes less.%n%n",
        each);
    out.println(
        "| | requests/s | p50, µs | p99, µs | CPU µs a request, all processes | **ratio of time** |"
            + " ratio of CPU |");
    out.println("|---|---|---|---|---|---|---|");
    for (int i = 0; i < HTTP.size(); i++) {
      print(inItsOwnJvm("http", i), agreed);
    }
    out.println();
    agreed.forEach(line -> out.println("- " + line.substring("agreed ".length())));
    out.printf(
        Locale.ROOT,
        "- the whole run took %d s%n",
        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun));
  }

  private void print(List<String> lines, List<String> agreed) {
    for (String line : lines) {
      if (line.startsWith("row ")) {
        out.println(line.substring("row ".length()));
      } else if (line.startsWith("agreed ") && !agreed.contains(line)) {
        agreed.add(line);
      }
    }
  }

  private void decisions() throws Exception {
    OptionsBuilder options = new OptionsBuilder();
    options
        .include("^" + DecisionBenchmark.class.getName().replace(".", "\\.") + "\\.")
        .addProfiler(GCProfiler.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    if (quick) {
      options
          .warmupIterations(1)
          .measurementIterations(2)
          .warmupTime(TimeValue.milliseconds(200))
          .measurementTime(TimeValue.milliseconds(200));
    }
    Collection<RunResult> results = new Runner(options.build()).run();
    out.println("| decision | intentions | ns/op (99.9 % CI) | B/op |");
    out.println("|---|---|---|---|");
    for (RunResult result : results) {
      Result<?> time = result.getPrimaryResult();
      out.printf(
          Locale.ROOT,
          "| %s | %,d | %.1f ± %.1f | %.3f |%n",
          time.getLabel(),
          Integer.parseInt(result.getParams().getParam("intentions")),
          time.getScore(),
          time.getScoreError(),
          Comparison.secondary(result, "gc.alloc.rate.norm"));
    }
  }

  private void rules() throws Exception {
    out.println(RulesComparison.head());
    for (int i = 0; i < RulesComparison.SETS.size(); i++) {
      inItsOwnJvm("rules", i).stream()
          .filter(line -> line.startsWith("row "))
          .forEach(line -> out.println(line.substring("row ".length())));
    }
  }

  private List<String> inItsOwnJvm(String kind, int number)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of(
            "-Xms512m",
            "-Xmx512m",
            "-classpath",
            System.getProperty("java.class.path"),
            Report.class.getName(),
            kind,
            String.valueOf(number),
            quick ? "quick" : "full"));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try {
      List<String> lines =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
              .lines()
              .toList();
      if (process.waitFor() != 0) {
        throw new IllegalStateException(
            "expected that " + kind + " " + number + " ends well, found: " + lines);
      }
      return lines;
    } finally {
      process.destroyForcibly();
    }
  }
}
