package io.meshnative.spring.boot.starter;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.reactive.ReactiveWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.web.server.ServerHttpSecurity;
import org.springframework.security.web.server.SecurityWebFilterChain;

/** The status page where the web server is Reactor Netty. */
@Timeout(300)
class StatusPageOnWebFluxTest {

  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Shop {
    @Bean
    ReactiveWebServerFactory factory() {
      return new NettyReactiveWebServerFactory();
    }

    @Bean
    SecurityWebFilterChain open(ServerHttpSecurity security) {
      return security.authorizeExchange(each -> each.anyExchange().permitAll()).build();
    }
  }

  private static int status(OkHttpClient http, String url) throws IOException {
    try (Response response = http.newCall(new Request.Builder().url(url).build()).execute()) {
      return response.code();
    }
  }

  @Test
  void itIsTheSamePageAndReadinessEndsWithTheIdentity() throws Exception {
    System.setProperty("org.springframework.boot.logging.LoggingSystem", "none");
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.start()) {
      SpringApplication application = new SpringApplication(Shop.class);
      application.setWebApplicationType(WebApplicationType.REACTIVE);
      try (ConfigurableApplicationContext shop =
          application.run(
              "--mesh-native.service=shop",
              "--mesh-native.consul.address=" + plane.httpAddr(),
              "--mesh-native.status-page.enabled=true",
              "--management.endpoint.mesh.access=read-only",
              "--management.endpoints.web.exposure.include=mesh,health",
              "--management.endpoint.health.probes.enabled=true",
              "--server.port=0",
              "--server.address=127.0.0.1",
              "--spring.main.banner-mode=off")) {
        String endpoint =
            "http://127.0.0.1:"
                + shop.getEnvironment().getProperty("local.server.port")
                + "/actuator/mesh";
        OkHttpClient http = new OkHttpClient();
        try (Response page =
            http.newCall(
                    new Request.Builder()
                        .url(endpoint + "/page?ask=why&service=web")
                        .header("Accept", "text/html")
                        .build())
                .execute()) {
          assertThat(page.code()).isEqualTo(200);
          assertThat(page.header("Content-Type")).startsWith("text/html");
          assertThat(page.body().string())
              .contains("<h1>shop is <span class=\"good\">READY</span></h1>", "id=\"answer\"");
        }
        try (Response other =
            http.newCall(new Request.Builder().url(endpoint + "/elsewhere").build()).execute()) {
          assertThat(other.code()).isEqualTo(404);
        }
        try (Response json =
            http.newCall(new Request.Builder().url(endpoint + "/why/web").build()).execute()) {
          assertThat(json.body().string()).contains("\"allowed\":true");
        }
        String health = endpoint.replace("/mesh", "/health");
        assertThat(status(http, health + "/readiness")).isEqualTo(200);
        shop.getBean(MeshClient.class).close();
        assertThat(status(http, health + "/readiness")).isEqualTo(503);
        assertThat(status(http, health + "/liveness")).isEqualTo(200);
      }
    }
  }
}
