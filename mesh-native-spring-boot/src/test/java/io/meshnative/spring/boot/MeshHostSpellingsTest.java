package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import okhttp3.Dns;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.http.client.ClientHttpRequestFactoryBuilder;
import org.springframework.boot.http.client.autoconfigure.HttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.reactive.ReactiveHttpClientAutoConfiguration;
import org.springframework.boot.http.client.reactive.ClientHttpConnectorBuilder;
import org.springframework.boot.restclient.RestTemplateBuilder;
import org.springframework.boot.restclient.autoconfigure.RestClientAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestTemplateAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.webclient.autoconfigure.WebClientAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.http.client.reactive.ClientHttpConnector;
import org.springframework.web.client.RestClient;
import org.springframework.web.reactive.function.client.WebClient;
import reactor.core.publisher.Mono;

/**
 * However a mesh host is written, its requests go into the mesh or nowhere: whoever else could make
 * them, DNS and proxies included, is there and must not be asked.
 */
@EmbeddedMesh
class MeshHostSpellingsTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  private static Application db;
  private static Application underscored;
  private static HttpServer outside;

  private final ApplicationContextRunner runner;

  @BeforeAll
  static void start(EmbeddedControlPlane plane) throws Exception {
    db = new Application(plane, "db");
    underscored = new Application(plane, "my_db");
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
    underscored.close();
    outside.stop(0);
  }

  MeshHostSpellingsTest(EmbeddedControlPlane plane) {
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
            .withUserConfiguration(EverybodyElse.class)
            .withPropertyValues(
                "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
  }

  /** All that could make a request outside the mesh, as beans of the application's own. */
  @Configuration(proxyBeanMethods = false)
  static class EverybodyElse {
    @Bean
    Asked asked() {
      return new Asked();
    }

    @Bean
    ClientHttpRequestFactoryBuilder<?> imperative(Asked asked) {
      return settings ->
          (ClientHttpRequestFactory)
              (uri, method) -> {
                throw asked.refusal(uri.toString());
              };
    }

    @Bean
    ClientHttpConnectorBuilder<?> reactive(Asked asked) {
      return settings ->
          (ClientHttpConnector)
              (method, uri, callback) -> Mono.error(asked.refusal(uri.toString()));
    }

    @Bean
    OkHttpClient client(Asked asked) {
      return new OkHttpClient.Builder().dns(asked).proxySelector(asked).build();
    }

    @Bean
    OkHttpClient.Builder builder(Asked asked) {
      return new OkHttpClient.Builder().dns(asked).proxy(asked.proxy());
    }
  }

  /** Who was asked for what. */
  static final class Asked extends ProxySelector implements Dns {
    private final Queue<String> all = new ConcurrentLinkedQueue<>();

    IOException refusal(String of) {
      all.add(of);
      return new IOException("asked outside the mesh for " + of);
    }

    Proxy proxy() {
      return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("proxy.invalid", 8080));
    }

    @Override
    public List<InetAddress> lookup(String host) throws UnknownHostException {
      all.add(host);
      throw new UnknownHostException(host);
    }

    @Override
    public List<Proxy> select(URI uri) {
      all.add("a proxy for " + uri);
      return List.of(proxy());
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
      all.add("a proxy for " + uri);
    }
  }

  enum Caller {
    REST_CLIENT {
      @Override
      @Nullable String get(BeanFactory beans, String url) {
        return beans
            .getBean(RestClient.Builder.class)
            .build()
            .get()
            .uri(URI.create(url))
            .retrieve()
            .body(String.class);
      }
    },
    REST_TEMPLATE {
      @Override
      @Nullable String get(BeanFactory beans, String url) {
        return beans
            .getBean(RestTemplateBuilder.class)
            .build()
            .getForObject(URI.create(url), String.class);
      }
    },
    WEB_CLIENT {
      @Override
      @Nullable String get(BeanFactory beans, String url) {
        return beans
            .getBean(WebClient.Builder.class)
            .build()
            .get()
            .uri(URI.create(url))
            .retrieve()
            .bodyToMono(String.class)
            .block(GUARD);
      }
    },
    OK_HTTP {
      @Override
      String get(BeanFactory beans, String url) throws IOException {
        return call(beans.getBean(OkHttpClient.class), url);
      }
    },
    OK_HTTP_BUILDER {
      @Override
      String get(BeanFactory beans, String url) throws IOException {
        return call(beans.getBean(OkHttpClient.Builder.class).build(), url);
      }
    };

    abstract @Nullable String get(BeanFactory beans, String url) throws IOException;

    private static String call(OkHttpClient http, String url) throws IOException {
      try (Response response = http.newCall(new Request.Builder().url(url).build()).execute()) {
        return response.body().string();
      }
    }
  }

  @Test
  void everySpellingOfAServiceReachesItAndNobodyElseIsAsked() {
    ProxySelector before = ProxySelector.getDefault();
    Asked system = new Asked();
    ProxySelector.setDefault(system);
    try {
      runner.run(context -> {
        for (Caller caller : Caller.values()) {
          for (String host :
              List.of(
                  "db.mesh",
                  "DB.Mesh",
                  "db.mesh.",
                  "db.mesh:9",
                  "db%2Emesh",
                  "db\u3002mesh",
                  "\uFF44\uFF42.mesh",
                  "user:secret@db.mesh",
                  "db.service.consul")) {
            for (String scheme : List.of("http", "https")) {
              String url = scheme + "://" + host + "/x";
              assertThat(caller.get(context, url)).as(caller + " " + url).isEqualTo("db GET /x");
            }
          }
          assertThat(caller.get(context, "http://my_db.mesh/x"))
              .as(caller.name())
              .isEqualTo("my_db GET /x");
        }
        assertThat(context.getBean(Asked.class).all).isEmpty();
        assertThat(system.all).noneMatch(asked -> asked.contains("mesh") || asked.contains("db"));
      });
    } finally {
      ProxySelector.setDefault(before);
    }
  }

  @Test
  void whatIsNoServiceButLooksLikeOneIsRefusedAndNobodyElseIsAsked() {
    runner.run(context -> {
      for (Caller caller : Caller.values()) {
        for (String url :
            List.of(
                "https://db..mesh/",
                "https://.mesh/",
                "https://db%252Emesh/",
                "https://db.mesh%2F.example.com/",
                "https://db.mesh:99999/",
                "https://tag.db.service.consul/",
                "http://nobody.mesh/")) {
          assertThatThrownBy(() -> caller.get(context, url)).as(caller + " " + url).isNotNull();
        }
      }
      assertThat(context.getBean(Asked.class).all).isEmpty();
    });
  }

  @Test
  void noRedirectOfAServiceLeadsToAnotherOneOrOutOfTheMesh() {
    runner.run(context -> {
      for (Caller caller : Caller.values()) {
        for (String to :
            List.of(
                "http://127.0.0.1:" + outside.getAddress().getPort() + "/",
                "https://my_db.mesh/x",
                "//my_db.mesh/x")) {
          assertThatThrownBy(() -> caller.get(context, "https://db.mesh/redirect?" + to))
              .as(caller + " " + to)
              .satisfiesAnyOf(
                  failure -> assertThat(failure).hasMessageContaining("is not followed"),
                  failure ->
                      assertThat(Objects.requireNonNull(failure.getCause()))
                          .hasMessageContaining("is not followed"));
        }
        // Back to itself it is followed, over TLS, also where the service takes itself for plain.
        assertThat(caller.get(context, "https://db.mesh/redirect?http://db.mesh/x"))
            .as(caller.name())
            .isEqualTo("db GET /x");
      }
      assertThat(context.getBean(Asked.class).all).isEmpty();
    });
  }
}
