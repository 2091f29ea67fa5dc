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

  private static final List<GrpcComparison> GRPC =
      List.of(
          new GrpcComparison("unary, 1 in flight", GrpcPath.GrpcCall.UNARY, 1),
          new GrpcComparison("unary, 32 in flight", GrpcPath.GrpcCall.UNARY, 32),
          new GrpcComparison("stream of 64 × 64 KiB", GrpcPath.GrpcCall.STREAM, 1));

  private static final List<JdbcComparison> JDBC =
      List.of(
          new JdbcComparison("SELECT 1", Database.Kind.POSTGRESQL, JdbcPath.Work.SELECT, 1),
          new JdbcComparison("SELECT 1 × 8", Database.Kind.POSTGRESQL, JdbcPath.Work.SELECT, 8),
          new JdbcComparison("connection", Database.Kind.POSTGRESQL, JdbcPath.Work.CONNECT, 1),
          new JdbcComparison("fetch of 16 MB", Database.Kind.POSTGRESQL, JdbcPath.Work.FETCH, 1),
          new JdbcComparison("SELECT 1", Database.Kind.MARIADB, JdbcPath.Work.SELECT, 1),
          new JdbcComparison("connection", Database.Kind.MARIADB, JdbcPath.Work.CONNECT, 1));

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
   * @param arguments where to write the tables to; then nothing, or {@code quick}, and {@code
   *     http}, {@code grpc} or {@code jdbc} for the paths of these alone. Or {@code compare},
   *     {@code rules}, {@code http}, {@code grpc} or {@code jdbc}, the number of a comparison, and
   *     {@code full} or {@code quick}: what this program starts itself with
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
    if (arguments[0].equals("grpc")) {
      GRPC.get(Integer.parseInt(arguments[1]))
          .run(longWarmup(arguments[2].equals("quick")))
          .forEach(System.out::println);
      return;
    }
    if (arguments[0].equals("jdbc")) {
      JdbcComparison comparison = JDBC.get(Integer.parseInt(arguments[1]));
      boolean quick = arguments[2].equals("quick");
      comparison.run(fewTurns(comparison.work(), quick)).forEach(System.out::println);
      return;
    }
    Path file = Path.of(arguments[0]);
    List<String> options = List.of(arguments).subList(1, arguments.length);
    try (PrintStream out =
        new PrintStream(Files.newOutputStream(file), true, StandardCharsets.UTF_8)) {
      new Report(out, options.contains("quick")).run(options);
    }
    System.out.println();
    System.out.print(Files.readString(file));
  }

  private static Comparison.Effort effort(boolean quick) {
    return quick ? Comparison.Effort.QUICK : Comparison.Effort.FULL;
  }

  private static Comparison.Effort longWarmup(boolean quick) {
    return quick ? Comparison.Effort.QUICK : Comparison.Effort.LONG_WARMUP;
  }

  private static Comparison.Effort shortTurns(boolean quick) {
    return quick ? Comparison.Effort.QUICK : Comparison.Effort.SHORT_TURNS;
  }

  /** Connections are so few a second that it takes longer to warm them up. */
  private static Comparison.Effort fewTurns(JdbcPath.Work work, boolean quick) {
    if (quick) {
      return Comparison.Effort.QUICK;
    }
    return work == JdbcPath.Work.CONNECT
        ? Comparison.Effort.NEW_CONNECTIONS
        : Comparison.Effort.FEW_TURNS;
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
    RulesComparison comparison =
        new RulesComparison(RulesComparison.SETS.get(number), shortTurns(quick));
    System.out.println("row " + comparison.run(AgentRules.binary()));
  }

  private void run(List<String> options) throws Exception {
    boolean http = options.contains("http");
    boolean grpc = options.contains("grpc");
    boolean jdbc = options.contains("jdbc");
    boolean all = !http && !grpc && !jdbc;
    long begun = System.nanoTime();
    out.printf(
        Locale.ROOT,
        "Measured on %s %s, %s, %d CPUs; load average %.2f when it began.%n%n",
        System.getProperty("java.vm.name"),
        System.getProperty("java.runtime.version"),
        System.getProperty("os.name") + " " + System.getProperty("os.arch"),
        Runtime.getRuntime().availableProcessors(),
        load());
    List<String> agreed = new ArrayList<>();
    if (all) {
      decisions();
      out.println();
      rules();
      out.printf(
          "%n%s Ratios are ours / by hand, with their 95 %% confidence intervals.%n%n",
          each(effort(quick)));
      out.println(
          "| | ours, µs | by hand, µs | **ratio of time** | ours, CPU µs | by hand, CPU µs | ratio"
              + " of CPU | ours, B/op | by hand, B/op |");
      out.println("|---|---|---|---|---|---|---|---|---|");
      for (int i = 0; i < SUBJECTS.size(); i++) {
        print(inItsOwnJvm("compare", i), agreed);
      }
      out.println();
    }
    if (all || http) {
      paths("http", "requests/s", "a request", effort(quick), HTTP.size(), agreed);
    }
    if (all || grpc) {
      paths("grpc", "calls/s", "a call", longWarmup(quick), GRPC.size(), agreed);
    }
    if (all || jdbc) {
      databases(agreed);
    }
    agreed.forEach(line -> out.println("- " + line.substring("agreed ".length())));
    out.printf(
        Locale.ROOT,
        "- the whole run took %d s; load average %.2f when it ended%n",
        TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun),
        load());
  }

  private static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  private static String each(Comparison.Effort effort) {
    return String.format(
        Locale.ROOT,
        "Each comparison: one JVM, %d + %d turns a side, of %d ms each that counts.",
        effort.warmups(),
        effort.rounds(),
        effort.turnMillis());
  }

  private void paths(
      String kind,
      String rate,
      String piece,
      Comparison.Effort effort,
      int comparisons,
      List<String> agreed)
      throws Exception {
    out.printf(
        "%s Ratios are mesh / the path of the row, with their 95 %% confidence intervals: below 1"
            + " the mesh takes less.%n%n",
        each(effort));
    out.printf(
        "| | %s | p50, µs | p99, µs | CPU µs %s, all processes | **ratio of time** |"
            + " ratio of CPU |%n",
        rate, piece);
    out.println("|---|---|---|---|---|---|---|");
    for (int i = 0; i < comparisons; i++) {
      print(inItsOwnJvm(kind, i), agreed);
    }
    out.println();
  }

  private void databases(List<String> agreed) throws Exception {
    out.printf(
        "%s Ratios are mesh / the path of the row, with their 95 %% confidence intervals: below 1"
            + " the mesh takes less; first by our listener in front of the database, then where"
            + " the database does TLS itself.%n%n",
        each(fewTurns(JdbcPath.Work.SELECT, quick)));
    out.println(
        "| | a second | p50, µs | p99, µs | CPU µs, all processes | **ratio of time, listener** |"
            + " ratio of CPU, listener | **ratio of time, server's own TLS** |"
            + " ratio of CPU, server's own TLS |");
    out.println("|---|---|---|---|---|---|---|---|---|");
    for (int i = 0; i < JDBC.size(); i++) {
      print(inItsOwnJvm("jdbc", i), agreed);
    }
    out.println();
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
