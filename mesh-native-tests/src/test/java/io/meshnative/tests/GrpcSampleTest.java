package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.samples.grpc.GrpcSample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
      SampleRun.assertNothingLeft(plane, "grpc-sample");
    }
  }

  private String run(String consul) throws IOException, InterruptedException {
    return SampleRun.of(GrpcSample.class, directory, consul, "grpc: OK");
  }
}
