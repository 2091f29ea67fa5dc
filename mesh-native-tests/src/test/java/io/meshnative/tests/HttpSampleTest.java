package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.samples.http.HttpSample;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** {@code samples/http}, run as its reader runs it: a process of its own. */
@Timeout(600)
class HttpSampleTest {
  @TempDir Path directory;

  /**
   * What the program told.
   *
   * @param requests each as method, path and outcome
   */
  private record Told(List<String> requests, String text) {
    private static final Pattern REQUEST =
        Pattern.compile(
            "\\$ curl -i -X (\\w+) https://[a-z-]+\\.mesh(/\\S*)\\R +(?:http/1\\.1 (\\d+)|curl: (refused))");

    static Told of(String text) {
      return new Told(
          REQUEST
              .matcher(text)
              .results()
              .map(found ->
                  found.group(1)
                      + " "
                      + found.group(2)
                      + " "
                      + (found.group(3) == null ? found.group(4) : found.group(3)))
              .toList(),
          text);
    }
  }

  private static void assertByPath(Told told) {
    assertThat(told.requests())
        .containsExactly(
            "GET /admin/users 403",
            "GET /public/hello 200",
            "POST /public/hello 403",
            "GET /admin/users 200",
            "GET /public/hello refused");
    assertThat(told.text()).contains("mesh-refusal: permission");
  }

  private static void assertAsAWhole(Told told) {
    assertThat(told.requests())
        .containsExactly(
            "GET /public/hello 200", "GET /admin/users 200", "GET /public/hello refused");
    assertThat(told.text()).contains("older than 1.9 and knows no paths in intentions");
  }

  @Test
  void withoutAConsulItDecidesPathByPathOnThePlaneThatItEmbeds() throws Exception {
    assertByPath(run(""));
  }

  /** A Consul before 1.9 knows no paths; the program says so and shows the rest. */
  @ParameterizedTest
  @EnumSource
  void onAConsulItDoesWhatThatKnowsAndLeavesNothingBehind(PlaneKind kind) throws Exception {
    try (Plane plane = kind.start(true)) {
      Told told = run(plane.httpAddr());
      if (plane.api().send("GET", "/v1/config/service-intentions", "").statusCode() == 200) {
        assertByPath(told);
      } else {
        assertAsAWhole(told);
      }
      SampleRun.assertNothingLeft(plane, "http-sample");
    }
  }

  private Told run(String consul) throws IOException, InterruptedException {
    return Told.of(SampleRun.of(HttpSample.class, directory, consul, "http: OK"));
  }
}
