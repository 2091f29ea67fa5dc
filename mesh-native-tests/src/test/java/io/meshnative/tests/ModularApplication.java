package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** A module {@code app} with one class, compiled by this JDK and run in a JVM of its own. */
final class ModularApplication {
  private static final String LIBRARY =
      "mesh-native-(api|testkit)|okhttp|okio|kotlin-stdlib|mockwebserver3|moshi|re2j|caffeine|"
          + "bc(prov|util|pkix)-|conscrypt|jspecify|error_prone_annotations";

  private final Path directory;
  private final Pattern jars;

  /**
   * Makes one.
   *
   * @param directory where it is written to
   * @param more what else is on its module path, as alternatives of a pattern
   */
  ModularApplication(Path directory, String... more) {
    this.directory = directory;
    this.jars =
        Pattern.compile(
            ".*("
                + String.join("|", LIBRARY, more.length == 0 ? "$^" : String.join("|", more))
                + ").*");
  }

  ModularApplication write(String descriptor, String main) throws IOException {
    Path app = Files.createDirectories(directory.resolve("src/app"));
    Files.writeString(directory.resolve("src/module-info.java"), descriptor);
    Files.writeString(app.resolve("Main.java"), main);
    return this;
  }

  private String modulePath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> jars.matcher(entry).matches())
        .filter(entry -> !entry.contains("test-classes"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The compiler's complaints, empty for none. */
  String compile(String... more) throws IOException {
    List<String> options =
        new ArrayList<>(
            List.of(
                "-d",
                directory.resolve("classes").toString(),
                "--module-path",
                modulePath(),
                "-Xlint:-options"));
    options.addAll(List.of(more));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter complaints = new StringWriter();
    try (StandardJavaFileManager files =
        compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      boolean compiled =
          compiler
              .getTask(
                  complaints,
                  files,
                  null,
                  options,
                  null,
                  files.getJavaFileObjects(
                      directory.resolve("src/module-info.java"),
                      directory.resolve("src/app/Main.java")))
              .call();
      return compiled ? "" : complaints.toString();
    }
  }

  /** What it printed, once it has ended. */
  String run(List<String> options, String... arguments) throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(
        List.of(
            "--module-path",
            modulePath() + File.pathSeparator + directory.resolve("classes"),
            "--module",
            "app/app.Main"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(300, TimeUnit.SECONDS)).as("it ends").isTrue();
      return Files.readString(output);
    } finally {
      process.destroyForcibly();
    }
  }
}
