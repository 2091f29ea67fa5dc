package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.http.client.autoconfigure.HttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.reactive.ReactiveHttpClientAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestClientAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.webclient.autoconfigure.WebClientAutoConfiguration;
import org.springframework.util.ClassUtils;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;

/**
 * Spring Boot 4.1 can keep its HTTP clients from internal addresses. Where a service of the mesh
 * listens is internal nearly always, and proven by identity: the filter holds for the rest.
 */
@EmbeddedMesh
class AddressFilterTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  /** Since 4.1, and these tests are compiled on 4.0 too. */
  private static final String FILTER = "org.springframework.boot.http.client.InetAddressFilter";

  private static <T> T externalAddresses(Class<T> filter) {
    try {
      return filter.cast(filter.getMethod("externalAddresses").invoke(null));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("expected a filter of Spring Boot's", e);
    }
  }

  private static <T> ApplicationContextRunner with(ApplicationContextRunner runner, Class<T> type) {
    return runner.withBean(type, () -> externalAddresses(type));
  }

  @Test
  void theMeshIsReachedAndInternalAddressesAreNot(EmbeddedControlPlane plane) throws Exception {
    assumeTrue(
        ClassUtils.isPresent(FILTER, null), "skipped, because this Spring Boot has no filter");
    HttpServer outside =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    outside.createContext(
        "/",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    outside.start();
    String internal = "http://127.0.0.1:" + outside.getAddress().getPort() + "/";
    ApplicationContextRunner runner =
        new ApplicationContextRunner()
            .withConfiguration(
                AutoConfigurations.of(
                    MeshAutoConfiguration.class,
                    MeshHttpClientAutoConfiguration.class,
                    HttpClientAutoConfiguration.class,
                    ImperativeHttpClientAutoConfiguration.class,
                    ReactiveHttpClientAutoConfiguration.class,
                    RestClientAutoConfiguration.class,
                    WebClientAutoConfiguration.class))
            .withPropertyValues(
                "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
    try (Application db = new Application(plane, "db")) {
      with(runner, ClassUtils.forName(FILTER, null))
          .run(context -> {
            RestClient rest = context.getBean(RestClient.Builder.class).build();
            assertThat(rest.get().uri("https://db.mesh/x").retrieve().body(String.class))
                .isEqualTo("db GET /x");
            assertThatThrownBy(() -> rest.get().uri(internal).retrieve().toBodilessEntity())
                .hasStackTraceContaining("FilteredHostException");
            WebClient web = context.getBean(WebClient.Builder.class).build();
            assertThat(
                    web.get()
                        .uri("https://db.mesh/x")
                        .retrieve()
                        .bodyToMono(String.class)
                        .block(GUARD))
                .isEqualTo("db GET /x");
            assertThatThrownBy(
                    () -> web.get().uri(internal).retrieve().toBodilessEntity().block(GUARD))
                .hasStackTraceContaining("FilteredHostException");
          });
    } finally {
      outside.stop(0);
    }
  }
}
