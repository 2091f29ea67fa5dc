package io.meshnative.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Everything that reads what others wrote, under a fuzzer that is led by coverage (Jazzer). Each
 * target states properties, not only that nothing crashes: what is accepted re-encodes to the
 * identical bytes, nothing but the documented exception is thrown, and nothing is accepted that an
 * independent reading refuses.
 *
 * <p>The kept corpus ({@code src/test/resources/io/meshnative/fuzz/<target>}) is replayed in every
 * build. Then each target is fuzzed: from one seed and for so many inputs, so that a build which
 * changes nothing finds nothing; or, with {@code -Dmesh.fuzz.seconds=…}, from chance and for that
 * time. What is found is written to {@code target/fuzz/<target>}: fix it, and put the input into
 * the corpus.
 *
 * <p>Jazzer runs as a process of its own, one a target: its JUnit integration is made for JUnit 5,
 * fuzzes one target a JVM only, and would instrument the classes of all tests beside it.
 */
@Timeout(900)
class FuzzTest {
  /** How long to fuzz; empty for a number of inputs instead. */
  private static final String SECONDS = System.getProperty("mesh.fuzz.seconds", "");

  private static final int INPUTS = 20_000;
  private static final Duration GUARD =
      Duration.ofSeconds(300 + (SECONDS.isEmpty() ? 0 : Long.parseLong(SECONDS)));

  /** Held, since the log manager holds loggers weakly. */
  private static final Logger LIBRARY = Logger.getLogger("io.meshnative");

  /** An input that takes longer hangs. */
  private static final int SECONDS_AN_INPUT = 20;

  private interface OneInput {
    void run(byte[] input) throws Exception;
  }

  enum Target {
    ID(IdTarget.class, IdTarget::fuzzerTestOneInput),
    NAMES(NamesTarget.class, NamesTarget::fuzzerTestOneInput),
    PEM(PemTarget.class, PemTarget::fuzzerTestOneInput),
    AGENT(AgentTarget.class, AgentTarget::fuzzerTestOneInput),
    ENVIRONMENT(EnvironmentTarget.class, EnvironmentTarget::fuzzerTestOneInput),
    REQUEST(RequestTarget.class, RequestTarget::fuzzerTestOneInput);

    final Class<?> type;
    final OneInput oneInput;

    Target(Class<?> type, OneInput oneInput) {
      this.type = type;
      this.oneInput = oneInput;
    }

    String folder() {
      return name().toLowerCase(Locale.ROOT);
    }

    Path corpus() {
      try {
        return Path.of(FuzzTest.class.getResource(folder()).toURI());
      } catch (URISyntaxException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  @Tag("T03")
  @Tag("T04")
  void theKeptCorpusBreaksNothing(Target target) throws Exception {
    LIBRARY.setLevel(Level.OFF);
    int replayed = 0;
    try (Stream<Path> inputs = Files.list(target.corpus())) {
      for (Path input : inputs.toList()) {
        byte[] bytes = Files.readAllBytes(input);
        try {
          target.oneInput.run(bytes);
        } catch (Throwable e) {
          throw new AssertionError(target + " by " + input.getFileName() + ": " + e, e);
        }
        replayed++;
      }
    } finally {
      LIBRARY.setLevel(null);
    }
    assertThat(replayed).as("kept inputs of " + target).isPositive();
  }

  @ParameterizedTest
  @EnumSource(Target.class)
  void nothingNewBreaksIt(Target target, @TempDir Path fresh) throws Exception {
    Assumptions.assumeFalse(SECONDS.equals("0"), "fuzzing is switched off by mesh.fuzz.seconds=0");
    Path found = Files.createDirectories(Path.of("target", "fuzz", target.folder()));
    Path log = found.resolve("log.txt");
    Process process =
        new ProcessBuilder(command(target, fresh, found))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(GUARD.toSeconds(), TimeUnit.SECONDS))
          .as("the fuzzer of " + target + " ends; see " + log.toAbsolutePath())
          .isTrue();
    } finally {
      process.destroyForcibly();
    }
    String told = tail(log);
    assertThat(process.exitValue())
        .as(
            "%s: an input was written to %s; fix what it breaks and put it into the corpus%n%s",
            target, found.toAbsolutePath(), told)
        .isZero();
    assertThat(told).as("the fuzzer ran").contains("DONE");
  }

  private static List<String> command(Target target, Path fresh, Path found) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx600m");
    command.add("-XX:+IgnoreUnrecognizedVMOptions");
    command.add("-XX:+EnableDynamicAgentLoading");
    command.add("-XX:-OmitStackTraceInFastThrow");
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add("com.code_intelligence.jazzer.Jazzer");
    command.add("--target_class=" + target.type.getName());
    command.add("--instrumentation_includes=io.meshnative.**");
    command.add("--custom_hook_includes=io.meshnative.**");
    command.add("--reproducer_path=" + found.toAbsolutePath());
    command.add("-artifact_prefix=" + found.toAbsolutePath() + "/");
    if (SECONDS.isEmpty()) {
      command.add("-seed=20261121");
      command.add("-runs=" + INPUTS);
    } else {
      command.add("-max_total_time=" + SECONDS);
    }
    command.add("-timeout=" + SECONDS_AN_INPUT);
    command.add("-max_len=4096");
    command.add("-rss_limit_mb=2000");
    command.add(fresh.toString()); // what is new goes here
    command.add(target.corpus().toString());
    return command;
  }

  private static String tail(Path log) {
    try {
      String all = Files.readString(log, StandardCharsets.ISO_8859_1);
      return all.substring(Math.max(0, all.length() - 6000));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
