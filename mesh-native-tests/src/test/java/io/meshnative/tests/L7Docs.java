package io.meshnative.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What {@code docs/l7.md} says, for the tests that hold it. */
final class L7Docs {
  private L7Docs() {}

  /** Returns what stands under a heading. */
  static String section(String heading) {
    String page = page();
    int from = page.indexOf(heading + "\n");
    if (from < 0) {
      throw new IllegalArgumentException("expected the heading " + heading + ", found none");
    }
    int to = page.indexOf("\n## ", from + heading.length());
    return page.substring(from, to < 0 ? page.length() : to);
  }

  /** Returns the first cell of each row of the table under a heading, without its head. */
  static List<String> firstCells(String heading) {
    return section(heading)
        .lines()
        .filter(line -> line.startsWith("| "))
        .skip(1)
        .map(line -> line.split("\\|")[1].trim())
        .toList();
  }

  private static String page() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("mesh-native-bom/pom.xml"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException(
            "expected to run inside the source tree, found " + Path.of("").toAbsolutePath());
      }
    }
    try {
      return Files.readString(at.resolve("docs/l7.md"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
