package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.spring.boot.MeshStartupException;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** An application of Spring Boot whose agent is not there yet, goes, and comes back. */
class BootOutageContractTest {

  private static Status readiness(ConfigurableApplicationContext shop) {
    return shop.getBean(HealthEndpoint.class).healthForPath("readiness").getStatus();
  }

  private static void awaitState(MeshClient mesh, MeshState state) {
    Cast.await(mesh.service() + " is " + state, () -> mesh.state() == state);
  }

  @ParameterizedTest(name = "{0}, {1}")
  @CsvSource({"EMBEDDED, TOMCAT", "EMBEDDED, NETTY", "CONSUL, JETTY"})
  void itStartsUnreadyBecomesReadyAndGoesOnWithoutTheAgent(PlaneKind kind, BootServer server)
      throws Exception {
    try (LastingPlane plane = kind.startLasting();
        Cast cast = new Cast(plane.agent())) {
      plane.loseAgent();
      ConfigurableApplicationContext shop =
          cast.keep(
              Boot.start(
                  server.application,
                  plane.agent(),
                  server.type,
                  "mesh-native.startup=background",
                  "mesh-native.server.mode=primary",
                  "mesh-native.register.enabled=true",
                  "management.endpoint.health.group.readiness.include=readinessState,mesh"));
      MeshClient mesh = shop.getBean(MeshClient.class);
      assertThat(mesh.state()).isEqualTo(MeshState.STARTING);
      assertThat(readiness(shop)).isEqualTo(Status.OUT_OF_SERVICE);

      plane.regainAgent();
      Cast.await("it is ready", () -> readiness(shop).equals(Status.UP));
      MeshClient web = cast.ready(plane.agent().lawlessClient("web"));
      OkHttpClient http = Boot.http(web, 0);
      Boot.awaitServed(http, "web", true);

      plane.loseAgent();
      awaitState(mesh, MeshState.STALE);
      assertThat(readiness(shop)).isEqualTo(Status.UP);
      Boot.awaitServed(http, "web", true);

      plane.regainAgent();
      awaitState(mesh, MeshState.READY);
      plane.operator().deny("web", Boot.SHOP);
      Boot.awaitServed(http, "web", false);
      plane.operator().allow("web", Boot.SHOP);
      Boot.awaitServed(http, "web", true);
      Cast.await(
          "it is in the catalog again, and well",
          () ->
              plane
                  .agent()
                  .api()
                  .require("GET", "/v1/agent/checks", "")
                  .matches("(?s).*\"Status\"\\s*:\\s*\"passing\".*"));
    }
  }

  @Test
  @ExtendWith(OutputCaptureExtension.class)
  void withoutAnAgentThatItRequiresItFailsAndSaysWhatToDo(CapturedOutput output) throws Exception {
    int nobody = Ports.reserve();
    assertThatThrownBy(() ->
            SpringApplication.run(
                    BootServer.TOMCAT.application,
                    "--" + BootServer.TOMCAT.type,
                    "--mesh-native.service=shop",
                    "--mesh-native.consul.address=127.0.0.1:" + nobody,
                    "--mesh-native.startup-timeout=1s",
                    "--server.port=0",
                    "--spring.main.banner-mode=off")
                .close())
        .hasRootCauseInstanceOf(java.net.ConnectException.class)
        .satisfies(thrown ->
            assertThat(JdbcCast.chain(thrown))
                .hasAtLeastOneElementOfType(MeshStartupException.class));
    assertThat(output)
        .contains(
            "APPLICATION FAILED TO START",
            "no identity in the mesh within mesh-native.startup-timeout (1000 ms)",
            "127.0.0.1:" + nobody,
            "mesh-native.startup=background");
  }
}
