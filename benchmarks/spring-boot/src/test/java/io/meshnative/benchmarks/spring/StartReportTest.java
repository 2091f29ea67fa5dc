package io.meshnative.benchmarks.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What is compared differs by the starter and by nothing else. What it costs is no test's business.
 */
class StartReportTest {
  private static final String WHOLE = System.getProperty("java.class.path");

  private static List<String> names(StartKind kind) {
    return Arrays.stream(kind.classPath(WHOLE).split(File.pathSeparator))
        .map(entry -> entry.replace(File.separator + "target" + File.separator + "classes", ""))
        .map(entry -> new File(entry).getName())
        .toList();
  }

  @Test
  void withoutTheStarterNothingOfTheMeshIsOnTheClassPath() {
    assertThat(names(StartKind.WITHOUT))
        .anyMatch(name -> name.startsWith("spring-boot-webmvc-"))
        .anyMatch(name -> name.startsWith("tomcat-embed-core-"))
        .noneMatch(name -> name.contains("mesh-native"))
        .noneMatch(name -> name.startsWith("okhttp") || name.startsWith("conscrypt"));
  }

  @Test
  void withItTheTestKitIsNot() {
    assertThat(names(StartKind.CLIENT))
        .containsAll(names(StartKind.WITHOUT))
        .anyMatch(name -> name.startsWith("mesh-native-spring-boot"))
        .anyMatch(name -> name.startsWith("conscrypt"))
        .noneMatch(name -> name.startsWith("mesh-native-testkit") || name.startsWith("mockweb"));
    assertThat(names(StartKind.OFF)).isEqualTo(names(StartKind.CLIENT));
  }

  @Test
  void aRatioIsOfRoundsAndHasItsInterval() {
    assertThat(StartReport.ratio(new double[] {20, 40, 60}, new double[] {10, 20, 30}))
        .isEqualTo("2.00 (2.00–2.00)");
  }
}
