package io.meshnative.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import okhttp3.Protocol;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** The benchmarks run, and their arithmetic is right. What they measure is no test's business. */
class BenchmarksTest {

  @AfterAll
  static void close() throws Exception {
    Wires.close(); // throws if a handshake was resumed
  }

  @ParameterizedTest
  @CsvSource({
    "HandshakeBenchmark, CONSCRYPT, 0",
    "HandshakeBenchmark, JSSE, 0",
    "EchoBenchmark, CONSCRYPT, 64",
    "EchoBenchmark, JSSE, 16384"
  })
  void aComparisonMakesARow(String name, Engine engine, int bytes) throws Exception {
    Class<?> benchmark = Class.forName(getClass().getPackageName() + "." + name);
    Comparison.Subject subject = new Comparison.Subject("title", benchmark, engine, bytes);
    String row = new Comparison(subject, new Comparison.Effort(1, 0, 20, 2)).run();
    assertThat(row)
        .matches(
            "\\| title (\\| [\\d.,]+ ){2}\\| \\*\\*[\\d.]+ \\(.*\\)\\*\\* \\|.*\\| [\\d.,]+ \\|");
  }

  /** Ours and by hand in any case; sidecars where there are any. */
  @ParameterizedTest
  @CsvSource({"CONSCRYPT, HTTP_1_1", "CONSCRYPT, HTTP_2", "JSSE, HTTP_1_1", "JSSE, HTTP_2"})
  void aComparisonOfHttpMakesARowForEachPath(Engine engine, Protocol protocol) throws Exception {
    List<String> lines =
        new HttpComparison("title", engine, protocol, 2).run(new Comparison.Effort(1, 1, 50, 2));
    assertThat(lines).hasSize(4);
    assertThat(lines.get(0)).matches("row \\| title, mesh \\|( [\\d.,]+ \\|){4}  \\|  \\|");
    assertThat(lines.get(1))
        .matches("row \\| title, by hand \\|( [\\d.,]+ \\|){4} \\*\\*.*\\*\\* \\| .* \\|");
    assertThat(lines.subList(2, 4))
        .allMatch(
            line -> line.startsWith("row | title,") || line.startsWith("agreed not compared"));
  }

  /** Ours and by hand on both engines in any case; sidecars where there are any. */
  @ParameterizedTest
  @CsvSource({"UNARY, 1", "UNARY, 32", "STREAM, 1"})
  void aComparisonOfGrpcMakesARowForEachPath(GrpcPath.GrpcCall call, int callers) throws Exception {
    List<String> lines =
        new GrpcComparison("title", call, callers).run(new Comparison.Effort(1, 1, 50, 2));
    assertThat(lines).hasSize(8);
    assertThat(lines.get(0)).matches("row \\| title, mesh \\|( [\\d.,]+ \\|){4}  \\|  \\|");
    assertThat(lines.subList(1, 3))
        .allMatch(line ->
            line.matches(
                "row \\| title, by hand, .* \\|( [\\d.,]+ \\|){4} \\*\\*.*\\*\\* \\| .* \\|"));
    assertThat(lines.subList(3, 5))
        .allMatch(
            line -> line.startsWith("row | title,") || line.startsWith("agreed not compared"));
    assertThat(lines.subList(5, 8))
        .allMatch(line -> line.matches("agreed gRPC, .*: TLSv1\\.3, TLS_AES_.*"));
  }

  /**
   * Ours, plain and the driver's own TLS where there is a database; sidecars where there are any.
   */
  @ParameterizedTest
  @CsvSource({"POSTGRESQL, SELECT, 2", "POSTGRESQL, FETCH, 1", "MARIADB, CONNECT, 1"})
  void aComparisonOfDatabasesMakesARowForEachPath(
      Database.Kind kind, JdbcPath.Work work, int callers) throws Exception {
    assumeTrue(
        Database.isThere(kind), "skipped, because there is no " + kind.title() + " to start");
    List<String> lines =
        new JdbcComparison("title", kind, work, callers).run(new Comparison.Effort(1, 1, 50, 2));
    boolean itself = kind == Database.Kind.POSTGRESQL;
    String figures = "( [\\d,.]+ \\|){4}";
    String ratios = itself ? "( \\*\\*.*\\*\\* \\| .* \\|){2}" : " \\*\\*.*\\*\\* \\| .* \\|";
    assertThat(lines.get(0))
        .matches("row \\| .*, title, mesh to our listener \\|" + figures + "  \\|  \\|.*");
    List<String> rows = lines.stream().filter(line -> line.startsWith("row ")).toList();
    assertThat(rows).hasSizeBetween(itself ? 5 : 3, itself ? 9 : 7);
    assertThat(rows.subList(itself ? 2 : 1, rows.size()))
        .allMatch(line -> line.matches("row \\| .*, title, .* \\|" + figures + ratios));
    assertThat(lines)
        .filteredOn(line -> line.startsWith("agreed ") && !line.contains("not compared"))
        .hasSize(itself ? 3 : 1)
        .allMatch(line -> line.matches("agreed .*: TLSv1\\.3, TLS_.*"));
  }

  @Test
  void decisionsAreMeasured() throws Exception {
    OptionsBuilder options = new OptionsBuilder();
    options
        .include(DecisionBenchmark.class.getName())
        .param("intentions", "10")
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(20))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    Collection<RunResult> results = new Runner(options.build()).run();
    assertThat(results).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource(RuleSet.Shape.class)
  void decisionsOfOthersAreComparedOverTheSameRules(RuleSet.Shape shape) throws Exception {
    Comparison.Effort once = new Comparison.Effort(1, 0, 20, 2);
    String row = new RulesComparison(new RuleSet(shape, 10), once).run(Optional.empty());
    assertThat(row)
        .matches(
            "\\| 10 [a-z]+ (\\| [\\d.,]+ ){3}\\| \\*\\*[\\d.,]+ \\(.*\\)\\*\\* \\| – \\|.*\\|"
                + " [\\d.,]+ \\|");
  }

  @Test
  void theAgentIsAskedWhereThereIsOne() throws Exception {
    Optional<Path> consul = AgentRules.binary();
    assumeTrue(consul.isPresent(), "skipped, because there is no consul binary on the PATH");
    Comparison.Effort once = new Comparison.Effort(1, 0, 20, 2);
    RuleSet set = new RuleSet(RuleSet.Shape.INTENTIONS, 3);
    assertThat(new RulesComparison(set, once).run(consul))
        .startsWith("| 3 intentions |")
        .doesNotContain("–  |", "| – |");
  }

  @Test
  void everySetOfRulesIsComparedAtEachSize() {
    assertThat(RulesComparison.SETS)
        .hasSize(8)
        .extracting(RuleSet::rules)
        .containsExactly(1, 10, 100, 1000, 1, 10, 100, 1000);
  }

  @Test
  void aRatioIsTheGeometricMeanOfTheRoundsRatios() {
    Ratio ratio = Ratio.of(new double[] {2, 8, 4, 4}, new double[] {1, 2, 1, 2});
    assertThat(ratio.mean()).isCloseTo(Math.sqrt(8), within(1e-9));
    assertThat(ratio.low()).isLessThan(ratio.mean());
    assertThat(ratio.high()).isGreaterThan(ratio.mean());
    // ln 2, ln 4, ln 4, ln 2: sd = ln 2 / sqrt 3; t(0.975, 3) = 3.182446
    double error = 3.182446 * Math.log(2) / Math.sqrt(3) / 2;
    assertThat(Math.log(ratio.high() / ratio.mean())).isCloseTo(error, within(1e-5));
    assertThat(Math.log(ratio.mean() / ratio.low())).isCloseTo(error, within(1e-5));
  }

  @Test
  void aSlowRoundSlowsBothAndCancelsOut() {
    Ratio quiet = Ratio.of(new double[] {11, 12, 11}, new double[] {10, 10, 10});
    Ratio noisy = Ratio.of(new double[] {11, 1200, 11}, new double[] {10, 1000, 10});
    assertThat(noisy.mean()).isCloseTo(quiet.mean(), within(1e-9));
    assertThat(noisy.high()).isCloseTo(quiet.high(), within(1e-9));
  }

  @Test
  void oneRoundIsNoEvidence() {
    assertThatThrownBy(() -> Ratio.of(new double[] {1}, new double[] {1}))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
