package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A modular application on the module path: the client is found, and internals stay hidden. */
class ModulePathTest {
  @TempDir Path directory;

  @Test
  void aModularApplicationJoinsTheMesh() throws Exception {
    ModularApplication app = joining();

    assertThat(app.run(List.of())).contains("module io.meshnative: spiffe://").contains("/svc/web");
  }

  /** The module of the recorder is optional to the library; a recording brings it along. */
  @Test
  void aModularApplicationIsRecorded() throws Exception {
    ModularApplication app = joining();

    Path recording = directory.resolve("recording.jfr");
    assertThat(app.run(List.of("-XX:StartFlightRecording:filename=" + recording)))
        .contains("/svc/web");

    assertThat(RecordingFile.readAllEvents(recording))
        .anySatisfy(event ->
            assertThat(event.getEventType().getName()).isEqualTo("io.meshnative.Rotation"));
  }

  @Test
  void internalsAreHiddenFromOtherModules() throws Exception {
    ModularApplication app = new ModularApplication(directory);
    app.write(
        "module app { requires io.meshnative; }",
        """
        package app;

        public final class Main {
          public static void main(String[] args) {
            System.out.println(io.meshnative.internal.tls.Providers.preferred());
          }
        }
        """);

    assertThat(app.compile()).contains("io.meshnative.internal.tls");
  }

  private ModularApplication joining() throws IOException {
    ModularApplication app = new ModularApplication(directory);
    app.write(
        "module app { requires io.meshnative; requires io.meshnative.testkit; }",
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
    assertThat(app.compile()).isEmpty();
    return app;
  }
}
