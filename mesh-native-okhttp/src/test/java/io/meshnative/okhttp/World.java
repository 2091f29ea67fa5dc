package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.UnaryOperator;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;

/** A mesh, the service {@code web} in it, and a client of OkHttp that calls as {@code web}. */
final class World implements AutoCloseable {
  static final Duration GUARD = Duration.ofSeconds(60);

  /** A name of the application's DNS, which knows no other one. */
  static final String OUTSIDE = "outside.test";

  final Engine engine;
  final EmbeddedControlPlane plane;
  final MeshClient web;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private OkHttpClient http;

  World(Engine engine) throws Exception {
    this.engine = engine;
    plane = keep(EmbeddedControlPlane.start());
    web = client("web");
    http = use(MeshCallOptions.defaults(), plain());
  }

  /** A client without the mesh, whose DNS is asked for nothing but the world outside. */
  static OkHttpClient.Builder plain() {
    return new OkHttpClient.Builder()
        .callTimeout(GUARD)
        .readTimeout(GUARD)
        .connectTimeout(GUARD)
        .dns(host -> {
          if (host.equals(OUTSIDE)) {
            return List.of(InetAddress.getLoopbackAddress());
          }
          throw new AssertionError("DNS was asked for " + host);
        });
  }

  /** Calls by another client from here on. */
  OkHttpClient use(MeshCallOptions options, OkHttpClient.Builder builder) {
    OkHttpClient made = MeshOkHttp.install(builder, web, options).build();
    keep(() -> {
      made.dispatcher().cancelAll();
      made.connectionPool().evictAll();
      made.dispatcher().executorService().shutdown();
    });
    http = made;
    return made;
  }

  OkHttpClient http() {
    return http;
  }

  <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  MeshClient.Builder builder(String service) {
    return MeshClient.builder(service)
        .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
        .tlsProvider(engine.provider());
  }

  MeshClient client(String service) throws Exception {
    return client(service, UnaryOperator.identity());
  }

  MeshClient client(String service, UnaryOperator<MeshClient.Builder> more) throws Exception {
    MeshClient client = keep(more.apply(builder(service)).build());
    client.awaitReady(GUARD);
    return client;
  }

  /** A service with one instance that speaks HTTP. */
  Application serving(String service, Protocol... protocols) throws Exception {
    return keep(new Application(plane, client(service), service + "-1", protocols));
  }

  /** A server that the mesh knows nothing of. */
  MockWebServer outside() throws IOException {
    MockWebServer server = new MockWebServer();
    keep(() -> Application.stop(server));
    server.start();
    return server;
  }

  static String url(MockWebServer outside, String path) {
    return "http://" + OUTSIDE + ":" + outside.getPort() + path;
  }

  Call call(Request request) {
    return http.newCall(request);
  }

  Response call(String url) throws IOException {
    return call(new Request.Builder().url(url).build()).execute();
  }

  String get(String url) throws IOException {
    try (Response response = call(url)) {
      assertThat(response.code()).isEqualTo(200);
      return response.body().string();
    }
  }

  /** Until both ends know that web may, or may not, call a service. */
  void awaitDecision(Application service, boolean allowed) {
    await()
        .atMost(GUARD)
        .until(() ->
            web.explain(Destination.parse(service.mesh.service())).isAllowed() == allowed
                && service.mesh.explain("web").isAllowed() == allowed);
  }

  /**
   * Whether a client trusts all roots of a plane. A new leaf comes with a certificate by the root
   * before: who is one rotation behind still accepts it, who is two behind cannot.
   */
  static boolean trustsAll(MeshClient client, EmbeddedControlPlane plane) {
    return client.trustBundles().stream()
        .anyMatch(bundle -> bundle.roots().containsAll(plane.roots()));
  }

  static MockResponse redirect(int code, String to) {
    return new MockResponse.Builder().code(code).addHeader("Location", to).build();
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
