package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.meshnative.NoEndpointException;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.http.client.autoconfigure.HttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.reactive.ReactiveHttpClientAutoConfiguration;
import org.springframework.boot.restclient.RestTemplateBuilder;
import org.springframework.boot.restclient.autoconfigure.RestClientAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestTemplateAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.webclient.autoconfigure.WebClientAutoConfiguration;
import org.springframework.http.ResponseEntity;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.support.RestClientAdapter;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.service.annotation.GetExchange;
import org.springframework.web.service.invoker.HttpServiceProxyFactory;
import reactor.core.publisher.Flux;

@EmbeddedMesh
class HttpClientsTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  private static Application db;
  private static HttpServer outside;

  private final ApplicationContextRunner runner;

  @BeforeAll
  static void start(EmbeddedControlPlane plane) throws Exception {
    db = new Application(plane, "db");
    outside = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    outside.createContext(
        "/",
        exchange -> {
          byte[] answer = "outside".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    outside.start();
  }

  @AfterAll
  static void stop() {
    db.close();
    outside.stop(0);
  }

  HttpClientsTest(EmbeddedControlPlane plane) {
    runner =
        new ApplicationContextRunner()
            .withConfiguration(
                AutoConfigurations.of(
                    MeshAutoConfiguration.class,
                    MeshHttpClientAutoConfiguration.class,
                    HttpClientAutoConfiguration.class,
                    ImperativeHttpClientAutoConfiguration.class,
                    ReactiveHttpClientAutoConfiguration.class,
                    RestClientAutoConfiguration.class,
                    RestTemplateAutoConfiguration.class,
                    WebClientAutoConfiguration.class))
            .withPropertyValues(
                "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
  }

  private static String outsideUrl() {
    return "http://127.0.0.1:" + outside.getAddress().getPort() + "/";
  }

  /** An HTTP interface client. */
  interface Orders {
    @GetExchange("/orders/7")
    String seven();
  }

  @Test
  void aRestClientReachesTheMeshAndTheRestOfTheWorld() {
    runner.run(context -> {
      RestClient rest = context.getBean(RestClient.Builder.class).build();
      ResponseEntity<String> answer =
          rest.post()
              .uri("https://db.mesh/a?b=c")
              .header("X-Say", "hello")
              .body("body")
              .retrieve()
              .toEntity(String.class);
      assertThat(answer.getBody()).isEqualTo("db POST /a?b=c body");
      assertThat(answer.getHeaders().getFirst("X-Echo")).isEqualTo("hello");
      assertThat(rest.get().uri("http://db.mesh/x").retrieve().body(String.class))
          .isEqualTo("db GET /x");
      assertThat(rest.get().uri(outsideUrl()).retrieve().body(String.class)).isEqualTo("outside");
      Orders orders =
          HttpServiceProxyFactory.builderFor(
                  RestClientAdapter.create(rest.mutate().baseUrl("https://db.mesh").build()))
              .build()
              .createClient(Orders.class);
      assertThat(orders.seven()).isEqualTo("db GET /orders/7");
    });
  }

  @Test
  void aRestTemplateReachesThemToo() {
    runner.run(context -> {
      var rest = context.getBean(RestTemplateBuilder.class).build();
      assertThat(rest.getForObject("https://db.mesh/x", String.class)).isEqualTo("db GET /x");
      assertThat(rest.postForObject("https://db.mesh/x", "body", String.class))
          .isEqualTo("db POST /x body");
      assertThat(rest.getForObject(outsideUrl(), String.class)).isEqualTo("outside");
    });
  }

  @Test
  void aWebClientReachesThemToo() {
    runner.run(context -> {
      WebClient web = context.getBean(WebClient.Builder.class).build();
      assertThat(
              web.post()
                  .uri("https://db.mesh/a")
                  .body(Flux.just("one ", "two ", "three"), String.class)
                  .retrieve()
                  .bodyToMono(String.class)
                  .block(GUARD))
          .isEqualTo("db POST /a one two three");
      assertThat(
              web.get().uri("https://db.mesh/x").retrieve().bodyToMono(String.class).block(GUARD))
          .isEqualTo("db GET /x");
      assertThat(web.get().uri(outsideUrl()).retrieve().bodyToMono(String.class).block(GUARD))
          .isEqualTo("outside");
    });
  }

  @Test
  void aServiceThatIsNotThereIsNotLookedUpAnywhereElse() {
    runner.run(context -> {
      RestClient rest = context.getBean(RestClient.Builder.class).build();
      assertThatThrownBy(() -> rest.get().uri("https://nobody.mesh/").retrieve().toBodilessEntity())
          .hasRootCauseInstanceOf(NoEndpointException.class);
      WebClient web = context.getBean(WebClient.Builder.class).build();
      assertThatThrownBy(() ->
              web.get().uri("https://nobody.mesh/").retrieve().toBodilessEntity().block(GUARD))
          .hasRootCauseInstanceOf(NoEndpointException.class);
    });
  }

  @Test
  void anotherSuffixIsTheApplicationsChoice() {
    runner
        .withPropertyValues("mesh-native.client.host-suffix=.svc.internal")
        .run(context -> {
          RestClient rest = context.getBean(RestClient.Builder.class).build();
          assertThat(rest.get().uri("https://db.svc.internal/x").retrieve().body(String.class))
              .isEqualTo("db GET /x");
        });
  }
}
