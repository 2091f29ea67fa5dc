package io.meshnative.tests;

import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the real peers: by {@code -Dmesh.it.consul=…}, else on the PATH. One that is missing skips
 * its tests and says so, or fails them where {@code -Dmesh.it.required=true}.
 */
final class RealPeers {
  private RealPeers() {}

  static Optional<Path> consul() {
    return find("consul");
  }

  /** Ends the current test as skipped, or failed, where there is no Consul. */
  static void requireConsul() {
    if (consul().isEmpty()) {
      String why = "no consul binary: put one on the PATH or give -Dmesh.it.consul=/path/to/consul";
      if (Boolean.getBoolean("mesh.it.required")) {
        fail(why);
      }
      abort("skipped, because there is " + why);
    }
  }

  /** Whether the Consul that is there is of this version or a later one. */
  static boolean consulIsAtLeast(int major, int minor) throws IOException {
    Process process =
        new ProcessBuilder(consul().orElseThrow().toString(), "version")
            .redirectErrorStream(true)
            .start();
    String text;
    try (InputStream out = process.getInputStream()) {
      text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    Matcher version = Pattern.compile("Consul v(\\d+)\\.(\\d+)\\.").matcher(text);
    if (!version.find()) {
      throw new IOException("expected a version of Consul, found " + text);
    }
    int first = Integer.parseInt(version.group(1));
    return first > major || (first == major && Integer.parseInt(version.group(2)) >= minor);
  }

  private static Optional<Path> find(String name) {
    String given = System.getProperty("mesh.it." + name, "");
    if (!given.isBlank()) {
      Path path = Path.of(given);
      if (!Files.isExecutable(path)) {
        throw new IllegalStateException(
            "expected an executable at -Dmesh.it." + name + ", found none at " + path);
      }
      return Optional.of(path);
    }
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(directory -> Path.of(directory, name))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
