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
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A modular application on the module path: the client is found, and internals stay hidden. */
class ModulePathTest {
  private static final Pattern NEEDED =
      Pattern.compile(
          ".*(mesh-native-(api|testkit)|okhttp|okio|kotlin-stdlib|mockwebserver3|moshi|re2j|caffeine|"
              + "bc(prov|util|pkix)-|conscrypt|jspecify|error_prone_annotations).*");

  @TempDir Path directory;

  @Test
  void aModularApplicationJoinsTheMesh() throws Exception {
    write(
        "module-info.java",
        "module app { requires io.meshnative; requires io.meshnative.testkit; }");
    writeMain();
    assertThat(compile()).isEmpty();

    assertThat(run()).contains("module io.meshnative: spiffe://").contains("/svc/web");
  }

  /** The module of the recorder is optional to the library; a recording brings it along. */
  @Test
  void aModularApplicationIsRecorded() throws Exception {
    write(
        "module-info.java",
        "module app { requires io.meshnative; requires io.meshnative.testkit; }");
    writeMain();
    assertThat(compile()).isEmpty();

    Path recording = directory.resolve("recording.jfr");
    assertThat(run("-XX:StartFlightRecording:filename=" + recording)).contains("/svc/web");

    assertThat(RecordingFile.readAllEvents(recording))
        .anySatisfy(event ->
            assertThat(event.getEventType().getName()).isEqualTo("io.meshnative.Rotation"));
  }

  @Test
  void internalsAreHiddenFromOtherModules() throws Exception {
    write("module-info.java", "module app { requires io.meshnative; }");
    write(
        "app/Main.java",
        """
        package app;

        public final class Main {
          public static void main(String[] args) {
            System.out.println(io.meshnative.internal.tls.Providers.preferred());
          }
        }
        """);

    assertThat(compile()).contains("io.meshnative.internal.tls");
  }

  private void writeMain() throws IOException {
    write(
        "app/Main.java",
        """
        package app;

        import io.meshnative.MeshClient;
        import io.meshnative.consul.ConsulConfig;
        import io.meshnative.testkit.EmbeddedControlPlane;
        import java.time.Duration;

        public final class Main {
          public static void main(String[] args) throws Exception {
            try (EmbeddedControlPlane plane = EmbeddedControlPlane.start();
                MeshClient web =
                    MeshClient.builder("web")
                        .consul(ConsulConfig.builder().address(plane.address().toString()).build())
                        .build()) {
              web.awaitReady(Duration.ofSeconds(60));
              System.out.println("module " + MeshClient.class.getModule().getName() + ": " + web.identity().id());
            }
          }
        }
        """);
  }

  private void write(String name, String text) throws IOException {
    Path file = directory.resolve("src").resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static String modulePath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> NEEDED.matcher(entry).matches())
        .filter(entry -> !entry.contains("test-classes"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The compiler's complaints, empty for none. */
  private String compile() throws IOException {
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
                  List.of(
                      "-d",
                      directory.resolve("classes").toString(),
                      "--module-path",
                      modulePath(),
                      "-Xlint:-options"),
                  null,
                  files.getJavaFileObjects(
                      directory.resolve("src/module-info.java"),
                      directory.resolve("src/app/Main.java")))
              .call();
      return compiled ? "" : complaints.toString();
    }
  }

  private String run(String... options) throws IOException, InterruptedException {
    Path output = directory.resolve("output");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(
        List.of(
            "--module-path",
            modulePath() + File.pathSeparator + directory.resolve("classes"),
            "--module",
            "app/app.Main"));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
      return Files.readString(output);
    } finally {
      process.destroyForcibly();
    }
  }
}
