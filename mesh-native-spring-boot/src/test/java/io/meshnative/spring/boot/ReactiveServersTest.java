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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.reactive.ReactiveWebServerFactory;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.reactive.config.WebFluxConfigurer;
import org.springframework.web.reactive.socket.WebSocketHandler;
import org.springframework.web.reactive.socket.server.WebSocketService;
import org.springframework.web.reactive.socket.server.support.HandshakeWebSocketService;
import org.springframework.web.reactive.socket.server.upgrade.ReactorNettyRequestUpgradeStrategy;
import org.springframework.web.server.WebFilter;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Whole applications of WebFlux on Reactor Netty, in each mode, with a caller of the mesh. */
@EmbeddedMesh
class ReactiveServersTest {
  private static final Duration GUARD = Duration.ofSeconds(60);
  private static final String PUBLIC_ONLY =
      "[{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/admin\"}},"
          + "{\"Action\":\"deny\",\"HTTP\":{\"PathPrefix\":\"/live\",\"Methods\":[\"GET\"]}},"
          + "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/\"}}]";

  private final EmbeddedControlPlane plane;

  ReactiveServersTest(EmbeddedControlPlane plane) {
    this.plane = plane;
  }

  @RestController
  static class Controller {
    final AtomicInteger live = new AtomicInteger();

    @GetMapping({"/public/who", "/admin/who"})
    String who(MeshPeer peer, Principal principal) {
      return peer.id() + " " + principal.getName();
    }

    @GetMapping("/public/principal")
    Mono<String> principal(Mono<Principal> principal) {
      return principal.map(Principal::getName).defaultIfEmpty("nobody");
    }

    @GetMapping("/public/perhaps")
    String perhaps(Optional<MeshPeer> peer, @Nullable MeshPeer again) {
      return peer.map(found -> "mesh " + found.equals(again)).orElse("elsewhere " + again);
    }

    @GetMapping(path = "/live/events", produces = MediaType.TEXT_EVENT_STREAM_VALUE)
    Flux<String> events() {
      return Flux.<String>never()
          .startWith("first")
          .doOnSubscribe(subscription -> live.incrementAndGet())
          .doFinally(signal -> live.decrementAndGet());
    }
  }

  @SpringBootConfiguration
  @EnableAutoConfiguration(exclude = DataSourceAutoConfiguration.class)
  @Import(Controller.class)
  static class OnNetty {
    final List<String> filtered = new CopyOnWriteArrayList<>();

    @Bean
    ReactiveWebServerFactory factory() {
      return new NettyReactiveWebServerFactory();
    }

    /** Sees what reaches the application at all. */
    @Bean
    WebFilter witness() {
      return (exchange, chain) -> {
        filtered.add(exchange.getRequest().getPath().value());
        return chain.filter(exchange);
      };
    }

    @Bean
    HandlerMapping sockets(Controller controller) {
      WebSocketHandler echo =
          session -> {
            controller.live.incrementAndGet();
            return session
                .send(session.receive().map(message -> session.textMessage(message.getPayloadAsText())))
                .doFinally(signal -> controller.live.decrementAndGet());
          };
      Map<String, WebSocketHandler> paths = new HashMap<>();
      paths.put("/live/socket", echo);
      return new SimpleUrlHandlerMapping(paths, -1);
    }

    /** Jetty is on the class path of these tests, too, and Spring would take its way to upgrade. */
    @Bean
    WebFluxConfigurer upgrades() {
      return new WebFluxConfigurer() {
        @Override
        public WebSocketService getWebSocketService() {
          return new HandshakeWebSocketService(new ReactorNettyRequestUpgradeStrategy());
        }
      };
    }
  }

  private ConfigurableApplicationContext start(String... properties) {
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
    SpringApplication application = new SpringApplication(OnNetty.class);
    application.setWebApplicationType(WebApplicationType.REACTIVE);
    return application.run(arguments.stream().map(each -> "--" + each).toArray(String[]::new));
  }

  private MeshClient caller() throws Exception {
    MeshClient web =
        MeshClient.builder("web")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    web.awaitReady(GUARD);
    return web;
  }

  private static OkHttpClient http(MeshClient web) {
    return MeshOkHttp.install(new OkHttpClient.Builder().readTimeout(GUARD), web).build();
  }

  private static Request request(String path) {
    return new Request.Builder().url("https://shop.mesh" + path).build();
  }

  private static String get(OkHttpClient http, String path) throws IOException {
    try (Response response = http.newCall(request(path)).execute()) {
      return response.code() + " " + response.body().string();
    }
  }

  private static void awaitAnswer(OkHttpClient http, String path, String start) {
    Awaitility.await(path + " answers " + start)
        .atMost(GUARD)
        .ignoreExceptions()
        .untilAsserted(() -> assertThat(get(http, path)).startsWith(start));
  }

  private static void awaitLive(ConfigurableApplicationContext shop, int expected) {
    Controller controller = shop.getBean(Controller.class);
    Awaitility.await("requests that run: " + expected)
        .atMost(GUARD)
        .until(() -> controller.live.get() == expected);
  }

  @ParameterizedTest
  @CsvSource({"additional, false", "primary, true"})
  void theMeshIsServedWithPeersAndIntentionsDownToPaths(String mode, boolean http2)
      throws Exception {
    plane.removeIntentions().defaultAllow(true);
    try (ConfigurableApplicationContext shop =
            start("mesh-native.server.mode=" + mode, "server.http2.enabled=" + http2);
        MeshClient web = caller()) {
      OkHttpClient http = http(web);
      awaitAnswer(http, "/public/who", "200 spiffe://");
      assertThat(get(http, "/public/who")).contains("/svc/web spiffe://");
      assertThat(get(http, "/public/principal")).endsWith("/svc/web");
      assertThat(get(http, "/public/perhaps")).isEqualTo("200 mesh true");
      assertThat(get(http, "/admin/who")).startsWith("200");
      try (Response response = http.newCall(request("/public/who")).execute()) {
        assertThat(response.protocol()).isEqualTo(http2 ? Protocol.HTTP_2 : Protocol.HTTP_1_1);
      }

      plane.intention("web", "shop", PUBLIC_ONLY);

      awaitAnswer(http, "/admin/who", "403 permission");
      List<String> filtered = shop.getBean(OnNetty.class).filtered;
      filtered.clear();
      for (int i = 0; i < 3; i++) {
        assertThat(get(http, "/admin/who")).as("on a kept connection").startsWith("403");
      }
      assertThat(filtered).as("what a filter has seen").isEmpty();
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
      Environment environment = shop.getEnvironment();
      if (mode.equals("additional")) {
        String plain = "http://127.0.0.1:" + environment.getProperty("local.server.port");
        assertThat(plain(plain + "/public/perhaps")).isEqualTo("200 elsewhere null");
        assertThat(plain(plain + "/public/principal")).isEqualTo("200 nobody");
        assertThat(plain(plain + "/public/who")).startsWith("400");
      } else {
        assertThat(environment.getProperty("local.mesh.port"))
            .isEqualTo(environment.getProperty("local.server.port"));
      }
    }
  }

  private static String plain(String url) throws IOException {
    try (Response response =
        new OkHttpClient().newCall(new Request.Builder().url(url).build()).execute()) {
      return response.code() + " " + response.body().string();
    }
  }

  @ParameterizedTest
  @CsvSource({"false, HTTP_1_1", "true, HTTP_2"})
  void whatRunsEndsWithItsRight(boolean http2, Protocol protocol) throws Exception {
    plane.removeIntentions().defaultAllow(true);
    try (ConfigurableApplicationContext shop =
            start("mesh-native.server.mode=primary", "server.http2.enabled=" + http2);
        MeshClient web = caller()) {
      OkHttpClient http = http(web);
      awaitAnswer(http, "/public/who", "200");
      try (Response events = http.newCall(request("/live/events")).execute()) {
        assertThat(events.protocol()).isEqualTo(protocol);
        assertThat(events.body().source().readUtf8Line()).isEqualTo("data:first");
        Socket socket = new Socket();
        OkHttpClient http1 = http.newBuilder().protocols(List.of(Protocol.HTTP_1_1)).build();
        WebSocket opened = http1.newWebSocket(request("/live/socket"), socket);
        opened.send("hello");
        assertThat(socket.heard.get(GUARD.toSeconds(), TimeUnit.SECONDS)).isEqualTo("hello");
        awaitLive(shop, 2);

        plane.intention("web", "shop", PUBLIC_ONLY);

        awaitLive(shop, 0);
        assertThatThrownBy(() -> events.body().source().readUtf8())
            .as("a stream that was cut never looks complete")
            .isInstanceOf(IOException.class);
        assertThat(socket.ended.get(GUARD.toSeconds(), TimeUnit.SECONDS))
            .as("a socket that was cut says no goodbye")
            .isTrue();
      }
      awaitAnswer(http, "/public/who", "200");
      assertThat(get(http, "/live/events")).startsWith("403");
    }
  }

  private static final class Socket extends WebSocketListener {
    final CompletableFuture<String> heard = new CompletableFuture<>();
    final CompletableFuture<Boolean> ended = new CompletableFuture<>();

    @Override
    public void onMessage(WebSocket socket, String text) {
      heard.complete(text);
    }

    @Override
    public void onClosing(WebSocket socket, int code, String reason) {
      ended.complete(false);
    }

    @Override
    public void onFailure(WebSocket socket, Throwable failure, @Nullable Response response) {
      heard.completeExceptionally(failure);
      ended.complete(true);
    }
  }

  @Test
  void noRequestFailsWhenCertificatesAndRootsAreRenewed() throws Exception {
    plane.removeIntentions().defaultAllow(true);
    try (ConfigurableApplicationContext shop =
            start("mesh-native.server.mode=primary", "server.http2.enabled=true");
        MeshClient web = caller()) {
      OkHttpClient http = http(web);
      awaitAnswer(http, "/public/who", "200");
      MeshClient served = shop.getBean(MeshClient.class);
      for (int rotation = 0; rotation < 2; rotation++) {
        long before = served.trustGeneration();
        long callers = web.trustGeneration();
        plane.rotateRoot();
        Awaitility.await("both have renewed")
            .atMost(GUARD)
            .until(() -> {
              assertThat(get(http, "/public/who")).startsWith("200");
              return served.trustGeneration() > before && web.trustGeneration() > callers;
            });
        assertThat(get(http, "/public/who")).startsWith("200");
      }
    }
  }

  @Test
  void aCertificateOfTheApplicationsOwnAndTheMeshCannotShareAServer() {
    assertThatThrownBy(() ->
            start(
                    "mesh-native.server.mode=primary",
                    "server.ssl.enabled=true",
                    "server.ssl.certificate=none.pem",
                    "server.ssl.certificate-private-key=none.pem")
                .close())
        .hasRootCauseInstanceOf(MeshServerConflictException.class);
  }

  @Test
  void probesReachTheManagementPortInPlainWhileTheMainServerIsTheMesh() throws Exception {
    try (ConfigurableApplicationContext shop =
        start(
            // Three servers are on the class path of these tests, and Boot's factories exclude each
            // other.
            "spring.autoconfigure.exclude="
                + "org.springframework.boot.jetty.autoconfigure.actuate.web.server"
                + ".JettyReactiveManagementContextAutoConfiguration,"
                + "org.springframework.boot.tomcat.autoconfigure.actuate.web.server"
                + ".TomcatReactiveManagementContextAutoConfiguration",
            "mesh-native.server.mode=primary",
            "management.server.port=0",
            "management.server.address=127.0.0.1")) {
      Environment environment = shop.getEnvironment();
      String management = environment.getProperty("local.management.port");
      assertThat(plain("http://127.0.0.1:" + management + "/actuator/health")).startsWith("200");
      String main = environment.getProperty("local.server.port");
      assertThat(environment.getProperty("local.mesh.port")).isEqualTo(main);
      assertThatThrownBy(() -> plain("http://127.0.0.1:" + main + "/public/perhaps"))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void withTheModeOffTheServerIsLeftAlone() throws Exception {
    try (ConfigurableApplicationContext shop = start("mesh-native.server.mode=off")) {
      Environment environment = shop.getEnvironment();
      assertThat(environment.getProperty("local.mesh.port")).isNull();
      assertThat(shop.getBeansOfType(MeshServerPort.class)).isEmpty();
      String plain = "http://127.0.0.1:" + environment.getProperty("local.server.port");
      assertThat(plain(plain + "/public/principal")).isEqualTo("200 nobody");
    }
  }
}
