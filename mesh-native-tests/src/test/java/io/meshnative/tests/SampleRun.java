package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs a sample as its reader runs it: a process of its own, which ends by itself. */
final class SampleRun {
  /** Programs of a minute at most, on machines that do ten other things. */
  private static final long HANG_GUARD_SECONDS = 500;

  private SampleRun() {}

  /**
   * Runs it and returns what it told.
   *
   * @param consul the address of the agent, empty for a control plane of its own
   * @param lastLine what it says if all of it worked
   */
  static String of(Class<?> sample, Path directory, String consul, String lastLine)
      throws IOException, InterruptedException {
    return of(sample, directory, consul, Map.of(), lastLine);
  }

  /** The same with more variables in its environment. */
  static String of(
      Class<?> sample,
      Path directory,
      String consul,
      Map<String, String> environment,
      String lastLine)
      throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-classpath",
                System.getProperty("java.class.path"),
                sample.getName())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    builder.environment().putAll(environment);
    if (!consul.isEmpty()) {
      builder.environment().put("CONSUL_HTTP_ADDR", consul);
    }
    Process process = builder.start();
    boolean ended;
    try {
      ended = process.waitFor(HANG_GUARD_SECONDS, TimeUnit.SECONDS);
    } finally {
      process.destroyForcibly();
    }
    String told = Files.readString(output);
    assertThat(ended).as("it ended by itself, after it told: %s", told).isTrue();
    assertThat(process.exitValue()).as(told).isZero();
    assertThat(told.lines()).contains(lastLine);
    return told;
  }

  /** Holds that a sample took back whatever it wrote; all its names begin alike. */
  static void assertNothingLeft(Plane plane, String prefix) throws IOException {
    if (plane.api().send("GET", "/v1/config/service-intentions", "").statusCode() == 200) {
      assertThat(plane.api().require("GET", "/v1/config/service-intentions", ""))
          .doesNotContain(prefix);
    }
    for (String path :
        new String[] {
          "/v1/config/service-defaults", "/v1/connect/intentions", "/v1/agent/services"
        }) {
      assertThat(plane.api().require("GET", path, "")).as(path).doesNotContain(prefix);
    }
  }
}
