package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.MeshPeer;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.spring.boot.server.MeshServerConflictException;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.security.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jetty.servlet.JettyServletWebServerFactory;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Whole applications, each server in each mode, with a caller of the mesh. */
@EmbeddedMesh
class ServletServersTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final String PUBLIC_ONLY =
      "[{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/admin\"}},"
          + "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]";

  private final EmbeddedControlPlane plane;

  ServletServersTest(EmbeddedControlPlane plane) {
    this.plane = plane;
  }

  @RestController
  static class Controller {
    @GetMapping({"/public/who", "/admin/who"})
    String who(MeshPeer peer, Principal principal) {
      return peer.id() + " " + principal.getName();
    }

    @GetMapping("/public/perhaps")
    String perhaps(Optional<MeshPeer> peer) {
      return peer.map(found -> "mesh").orElse("elsewhere");
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import(Controller.class)
  static class OnTomcat {
    @Bean
    ServletWebServerFactory factory() {
      return new TomcatServletWebServerFactory();
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import(Controller.class)
  static class OnJetty {
    @Bean
    ServletWebServerFactory factory() {
      return new JettyServletWebServerFactory();
    }
  }

  enum Server {
    TOMCAT(OnTomcat.class),
    JETTY(OnJetty.class);

    final Class<?> application;

    Server(Class<?> application) {
      this.application = application;
    }
  }

  private ConfigurableApplicationContext start(Server server, String... properties) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "mesh-native.service=shop",
                "mesh-native.consul.address=" + plane.httpAddr(),
                "mesh-native.server.port=0",
                "mesh-native.register.enabled=true",
                "mesh-native.register.address=127.0.0.1",
                "mesh-native.shutdown-drain=0s",
                "server.port=0",
                "server.address=127.0.0.1",
                "spring.main.banner-mode=off"));
    arguments.addAll(Arrays.asList(properties));
    return new SpringApplication(server.application)
        .run(arguments.stream().map(each -> "--" + each).toArray(String[]::new));
  }

  private MeshClient caller() throws Exception {
    MeshClient web =
        MeshClient.builder("web")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    web.awaitReady(GUARD);
    return web;
  }

  private static @Nullable String get(OkHttpClient http, String path) throws IOException {
    try (Response response =
        http.newCall(new Request.Builder().url("https://shop.mesh" + path).build()).execute()) {
      return response.code() + " " + response.body().string();
    }
  }

  private static void awaitAnswer(OkHttpClient http, String path, String start) {
    Awaitility.await(path + " answers " + start)
        .atMost(GUARD)
        .ignoreExceptions()
        .untilAsserted(() -> assertThat(get(http, path)).startsWith(start));
  }

  @ParameterizedTest
  @CsvSource({"TOMCAT, additional", "TOMCAT, primary", "JETTY, additional", "JETTY, primary"})
  void theMeshIsServedWithPeersAndIntentionsDownToPaths(Server server, String mode)
      throws Exception {
    plane.removeIntentions().defaultAllow(true);
    try (ConfigurableApplicationContext shop = start(server, "mesh-native.server.mode=" + mode);
        MeshClient web = caller()) {
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      awaitAnswer(http, "/public/who", "200 spiffe://");
      assertThat(get(http, "/public/who")).contains("/svc/web spiffe://");
      assertThat(get(http, "/public/perhaps")).isEqualTo("200 mesh");
      assertThat(get(http, "/admin/who")).startsWith("200");

      plane.intention("web", "shop", PUBLIC_ONLY);

      awaitAnswer(http, "/admin/who", "403");
      awaitAnswer(http, "/public/who", "200");

      plane.remove("web", "shop").deny("web", "shop");

      Awaitility.await("nothing is served any more")
          .atMost(GUARD)
          .until(() -> {
            try {
              get(http, "/public/who");
              return false;
            } catch (IOException e) {
              return true;
            }
          });
      if (mode.equals("additional")) {
        Environment environment = shop.getEnvironment();
        String plain = "http://127.0.0.1:" + environment.getProperty("local.server.port");
        try (Response response =
            new OkHttpClient()
                .newCall(new Request.Builder().url(plain + "/public/perhaps").build())
                .execute()) {
          assertThat(response.body().string()).isEqualTo("elsewhere");
        }
      } else {
        assertThat(shop.getEnvironment().getProperty("local.mesh.port"))
            .isEqualTo(shop.getEnvironment().getProperty("local.server.port"));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Server.class)
  void aCertificateOfTheApplicationsOwnAndTheMeshCannotShareAConnector(Server server) {
    assertThatThrownBy(() ->
            start(
                    server,
                    "mesh-native.server.mode=primary",
                    "server.ssl.enabled=true",
                    "server.ssl.certificate=none.pem",
                    "server.ssl.certificate-private-key=none.pem")
                .close())
        .hasRootCauseInstanceOf(MeshServerConflictException.class);
  }

  @ParameterizedTest
  @EnumSource(Server.class)
  void probesReachTheManagementPortInPlainWhileTheMainConnectorIsTheMesh(Server server)
      throws Exception {
    // Both servers are on the class path of these tests, and Boot's two factories exclude each
    // other.
    String other =
        server == Server.TOMCAT
            ? "org.springframework.boot.jetty.autoconfigure.actuate.web.server"
                + ".JettyServletManagementContextAutoConfiguration"
            : "org.springframework.boot.tomcat.autoconfigure.actuate.web.server"
                + ".TomcatServletManagementContextAutoConfiguration";
    try (ConfigurableApplicationContext shop =
        start(
            server,
            "spring.autoconfigure.exclude=" + other,
            "mesh-native.server.mode=primary",
            "management.server.port=0",
            "management.server.address=127.0.0.1")) {
      Environment environment = shop.getEnvironment();
      OkHttpClient probe = new OkHttpClient();
      String health = "/actuator/health";
      String management =
          "http://127.0.0.1:" + environment.getProperty("local.management.port") + health;
      try (Response response =
          probe.newCall(new Request.Builder().url(management).build()).execute()) {
        assertThat(response.code()).isEqualTo(200);
      }
      String main = environment.getProperty("local.server.port");
      assertThat(environment.getProperty("local.mesh.port")).isEqualTo(main);
      Request plain =
          new Request.Builder().url("http://127.0.0.1:" + main + "/public/perhaps").build();
      assertThat(served(probe, plain)).isFalse();
    }
  }

  private static boolean served(OkHttpClient http, Request request) {
    try (Response response = http.newCall(request).execute()) {
      return response.isSuccessful();
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void whatStopsIsHiddenFirstAndThenGone() throws Exception {
    plane.removeIntentions().defaultAllow(true);
    try (MeshClient web = caller()) {
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      try (ConfigurableApplicationContext shop =
          start(Server.TOMCAT, "mesh-native.server.mode=primary")) {
        awaitAnswer(http, "/public/who", "200");
      }
      var shop = io.meshnative.discovery.Destination.parse("shop");
      Awaitility.await("it has left the catalog")
          .atMost(GUARD)
          .until(() -> web.endpoints(shop).isEmpty());
    }
  }
}
