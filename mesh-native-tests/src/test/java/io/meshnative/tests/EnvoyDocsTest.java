package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/l7-envoy.md} against the code. */
class EnvoyDocsTest {

  @Test
  void everyClassOfDifferencesIsListed() throws IOException {
    List<String> rows =
        Files.readAllLines(page()).stream()
            .dropWhile(line -> !line.equals("## Differences"))
            .filter(line -> line.startsWith("| "))
            .skip(1)
            .map(line -> line.split("\\|")[1].trim())
            .toList();
    assertThat(rows)
        .containsExactlyElementsOf(
            Stream.concat(
                    Arrays.stream(L7Difference.values()).map(L7Difference::title),
                    Stream.of("400 here", "400 there"))
                .toList());
  }

  private static Path page() {
    Path at = Path.of("").toAbsolutePath();
    while (at != null && !Files.exists(at.resolve("mesh-native-bom/pom.xml"))) {
      at = at.getParent();
    }
    assertThat(at).as("the root of the source tree").isNotNull();
    return at.resolve("docs/l7-envoy.md");
  }
}
