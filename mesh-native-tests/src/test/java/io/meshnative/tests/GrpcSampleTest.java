package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.samples.grpc.GrpcSample;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code samples/grpc}, run as its reader runs it: a process of its own. */
@Timeout(600)
class GrpcSampleTest {
  private static final Pattern CALL = Pattern.compile("(?m)^shop\\.Stock/(\\w+): (\\w+)$");

  @TempDir Path directory;

  private static List<String> calls(String told) {
    return CALL.matcher(told)
        .results()
        .map(found -> found.group(1) + " " + found.group(2))
        .toList();
  }

  private static void assertByMethod(String told) {
    assertThat(calls(told))
        .containsExactly(
            "Take PERMISSION_DENIED", "Count OK", "Take OK", "Count PERMISSION_DENIED");
    assertThat(told).contains("one teapot for grpc-sample-web");
  }

  private static void assertAsAWhole(String told) {
    assertThat(calls(told)).containsExactly("Count OK", "Take OK", "Count PERMISSION_DENIED");
    assertThat(told).contains("older than 1.9 and knows no methods in intentions");
  }

  @Test
  void withoutAConsulItDecidesMethodByMethodOnThePlaneThatItEmbeds() throws Exception {
    assertByMethod(run(""));
  }

  /** A Consul before 1.9 knows no methods; the program says so and shows the rest. */
  @ParameterizedTest
  @EnumSource
  void onAConsulItDoesWhatThatKnowsAndLeavesNothingBehind(PlaneKind kind) throws Exception {
    try (Plane plane = kind.start(true)) {
      String told = run(plane.httpAddr());
      if (plane.api().send("GET", "/v1/config/service-intentions", "").statusCode() == 200) {
        assertByMethod(told);
      } else {
        assertAsAWhole(told);
      }
      for (String path :
          List.of("/v1/config/service-defaults", "/v1/connect/intentions", "/v1/agent/services")) {
        assertThat(plane.api().require("GET", path, "")).doesNotContain("grpc-sample");
      }
    }
  }

  private String run(String consul) throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-classpath",
                System.getProperty("java.class.path"),
                GrpcSample.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("CONSUL_"));
    if (!consul.isEmpty()) {
      builder.environment().put("CONSUL_HTTP_ADDR", consul);
    }
    Process process = builder.start();
    try {
      assertThat(process.waitFor(300, TimeUnit.SECONDS)).as("it ended by itself").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String told = Files.readString(output);
    assertThat(process.exitValue()).as(told).isZero();
    assertThat(told.lines()).contains("grpc: OK");
    return told;
  }
}
