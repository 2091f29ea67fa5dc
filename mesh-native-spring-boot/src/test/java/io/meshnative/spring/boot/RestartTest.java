package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.servlet.ServletWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;

@EmbeddedMesh
class RestartTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  static class Shop {
    @Bean
    ServletWebServerFactory factory() {
      return new TomcatServletWebServerFactory();
    }
  }

  @Test
  void aContextThatIsStoppedLeavesTheCatalogAndIsFoundAgainWhereItStarts(
      EmbeddedControlPlane plane) {
    plane.defaultAllow(true);
    try (ConfigurableApplicationContext shop =
        new SpringApplication(Shop.class)
            .run(
                List.of(
                        "mesh-native.service=shop",
                        "mesh-native.consul.address=" + plane.httpAddr(),
                        "mesh-native.register.enabled=true",
                        "mesh-native.register.address=127.0.0.1",
                        "mesh-native.shutdown-drain=50ms",
                        "server.port=0",
                        "server.address=127.0.0.1")
                    .stream()
                    .map(each -> "--" + each)
                    .toArray(String[]::new))) {
      MeshClient mesh = shop.getBean(MeshClient.class);
      awaitInstances(mesh, 1);

      shop.stop();
      awaitInstances(mesh, 0);
      assertThat(shop.isRunning()).isFalse();

      shop.start();
      awaitInstances(mesh, 1);
      assertThat(mesh.endpoints(Destination.parse("shop")))
          .singleElement()
          .extracting(endpoint -> endpoint.port())
          .hasToString(shop.getEnvironment().getProperty("local.server.port"));
    }
  }

  private static void awaitInstances(MeshClient mesh, int count) {
    Awaitility.await("as many instances as are found: " + count)
        .atMost(GUARD)
        .until(() -> mesh.endpoints(Destination.parse("shop")).size() == count);
  }
}
