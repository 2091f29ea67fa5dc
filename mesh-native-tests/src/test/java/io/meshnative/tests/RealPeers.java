package io.meshnative.tests;

import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds the real peers: by {@code -Dmesh.it.consul=…} and its like, else on the PATH. One that is
 * missing skips its tests and says so, or fails them where {@code -Dmesh.it.required=true}.
 */
final class RealPeers {
  private RealPeers() {}

  static Optional<Path> consul() {
    return find("consul");
  }

  /** Ends the current test as skipped, or failed, where there is no Consul. */
  static void requireConsul() {
    require(
        consul().isPresent(),
        "no consul binary: put one on the PATH or give -Dmesh.it.consul=/path/to/consul");
  }

  /** Whether the Consul that is there is of this version or a later one. */
  static boolean consulIsAtLeast(int major, int minor) throws IOException {
    return isAtLeast(
        major,
        minor,
        Pattern.compile("Consul v(\\d+)\\.(\\d+)\\."),
        consul().orElseThrow().toString(),
        "version");
  }

  static Optional<Path> envoy() {
    return find("envoy");
  }

  /** Ends the current test as skipped, or failed, where there is no Envoy. */
  static void requireEnvoy() {
    require(
        envoy().isPresent(),
        "no envoy binary: put one on the PATH or give -Dmesh.it.envoy=/path/to/envoy");
  }

  /**
   * Ends the current test as skipped, or failed, where there is no Envoy of this version or later.
   */
  static void requireEnvoyAtLeast(int major, int minor) throws IOException {
    requireEnvoy();
    require(
        isAtLeast(
            major,
            minor,
            Pattern.compile("version: \\p{XDigit}+/(\\d+)\\.(\\d+)\\."),
            envoy().orElseThrow().toString(),
            "--version"),
        "an older envoy than " + major + "." + minor + " at " + envoy().orElseThrow());
  }

  /** The directory of PostgreSQL's {@code initdb} and {@code postgres}. */
  static Optional<Path> postgres() {
    return directoryOf(
        "postgres", List.of("initdb", "postgres"), newestOf(Path.of("/usr/lib/postgresql"), "bin"));
  }

  /** Ends the current test as skipped, or failed, where there is no PostgreSQL. */
  static void requirePostgres() {
    require(
        postgres().isPresent(),
        "no initdb and postgres: put them on the PATH or give -Dmesh.it.postgres=/their/directory");
  }

  /** The directory of {@code mariadbd}; what makes its first tables may be in another. */
  static Optional<Path> mariadb() {
    return directoryOf("mariadb", List.of("mariadbd"), List.of(Path.of("/usr/sbin")));
  }

  /** What makes the first tables of MariaDB. */
  static Optional<Path> mariadbInstall() {
    return find("mariadb-install-db");
  }

  /** Ends the current test as skipped, or failed, where there is no MariaDB. */
  static void requireMariadb() {
    require(
        mariadb().isPresent() && mariadbInstall().isPresent(),
        "no mariadbd: put it on the PATH or give -Dmesh.it.mariadb=/its/directory");
  }

  /**
   * The port of a SQL Server on loopback. It is under no package manager's care: only where one is
   * named it is asked, and the current test ends as skipped elsewhere.
   */
  static int requireSqlServer() {
    String port = System.getProperty("mesh.it.sqlserver", "");
    if (port.isBlank()) {
      abort(
          "skipped, because no SQL Server is named: give -Dmesh.it.sqlserver=<port on loopback>,"
              + " and mesh.it.sqlserver.user and mesh.it.sqlserver.password");
    }
    return Integer.parseInt(port);
  }

  private static void require(boolean there, String why) {
    if (there) {
      return;
    }
    if (Boolean.getBoolean("mesh.it.required")) {
      fail(why);
    }
    abort("skipped, because there is " + why);
  }

  private static boolean isAtLeast(int major, int minor, Pattern version, String... command)
      throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String text;
    try (InputStream out = process.getInputStream()) {
      text = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    Matcher found = version.matcher(text);
    if (!found.find()) {
      throw new IOException("expected a version of " + command[0] + ", found " + text);
    }
    int first = Integer.parseInt(found.group(1));
    return first > major || (first == major && Integer.parseInt(found.group(2)) >= minor);
  }

  private static Optional<Path> find(String name) {
    Optional<Path> given = given(name);
    if (given.isPresent()) {
      if (!Files.isExecutable(given.get())) {
        throw new IllegalStateException(
            "expected an executable at -Dmesh.it." + name + ", found none at " + given.get());
      }
      return given;
    }
    return pathDirectories()
        .map(directory -> directory.resolve(name))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** The given directory, or the first with all those binaries: of the PATH, then of the usual. */
  private static Optional<Path> directoryOf(String name, List<String> binaries, List<Path> usual) {
    Optional<Path> given = given(name);
    if (given.isPresent()) {
      if (!hasAll(given.get(), binaries)) {
        throw new IllegalStateException(
            "expected the directory of "
                + binaries
                + " at -Dmesh.it."
                + name
                + ", found "
                + given.get());
      }
      return given;
    }
    return Stream.concat(pathDirectories(), usual.stream())
        .filter(directory -> hasAll(directory, binaries))
        .findFirst();
  }

  private static boolean hasAll(Path directory, List<String> binaries) {
    return binaries.stream().map(directory::resolve).allMatch(Files::isExecutable);
  }

  /** {@code parent/<version>/child} of each version that is installed, the newest first. */
  private static List<Path> newestOf(Path parent, String child) {
    if (!Files.isDirectory(parent)) {
      return List.of();
    }
    try (Stream<Path> versions = Files.list(parent)) {
      return versions
          .filter(version -> version.getFileName().toString().matches("\\d{1,4}"))
          .sorted(
              Comparator.comparing(
                      (Path version) -> Integer.valueOf(version.getFileName().toString()))
                  .reversed())
          .map(version -> version.resolve(child))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Optional<Path> given(String name) {
    String given = System.getProperty("mesh.it." + name, "");
    return given.isBlank() ? Optional.empty() : Optional.of(Path.of(given));
  }

  private static Stream<Path> pathDirectories() {
    return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .map(Path::of);
  }
}
