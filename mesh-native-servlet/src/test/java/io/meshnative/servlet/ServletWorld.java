package io.meshnative.servlet;

import static org.awaitility.Awaitility.await;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.RetirePolicy;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;

/**
 * The service {@code api} with an application in a container, and its caller {@code web}. What no
 * intention speaks of is denied.
 */
final class ServletWorld implements AutoCloseable {
  static final Duration GUARD = Duration.ofSeconds(60);

  final EmbeddedControlPlane plane = EmbeddedControlPlane.builder().defaultAllow(false).start();
  final TestApplication application;
  final MeshClient api;
  final MeshClient web;
  final Container.RunningServer server;
  private final Engine engine;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final AtomicInteger markers = new AtomicInteger();

  ServletWorld(Container container, Engine engine) throws Exception {
    this(container, engine, new TestApplication());
  }

  ServletWorld(Container container, Engine engine, TestApplication application) throws Exception {
    this(container, engine, application, RetirePolicy.defaults());
  }

  /** With connections that the server retires by a policy; the caller's is the default. */
  ServletWorld(
      Container container, Engine engine, TestApplication application, RetirePolicy retirePolicy)
      throws Exception {
    this.engine = engine;
    this.application = application;
    open.push(plane);
    plane.allow("api", "web");
    api = client("api", retirePolicy);
    server = container.start(api, application);
    open.push(server);
    web = client("web");
    plane.register("api", "api-1", "127.0.0.1", server.port());
    await().atMost(GUARD).until(() -> !web.endpoints(Destination.parse("api")).isEmpty());
  }

  MeshClient client(String service) throws Exception {
    return client(service, RetirePolicy.defaults());
  }

  private MeshClient client(String service, RetirePolicy retirePolicy) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .tlsProvider(engine.provider())
            .retirePolicy(retirePolicy)
            .build();
    open.push(client);
    client.awaitReady(GUARD);
    return client;
  }

  /** A client of its own pool. */
  OkHttpClient http(Protocol protocol) {
    OkHttpClient client =
        MeshOkHttp.install(
                new OkHttpClient.Builder()
                    .callTimeout(Duration.ZERO)
                    .readTimeout(GUARD)
                    .writeTimeout(GUARD)
                    .protocols(
                        protocol == Protocol.HTTP_2
                            ? List.of(Protocol.HTTP_2, Protocol.HTTP_1_1)
                            : List.of(Protocol.HTTP_1_1)),
                web)
            .build();
    open.push(() -> {
      client.connectionPool().evictAll();
      client.dispatcher().executorService().shutdown();
    });
    return client;
  }

  static Response get(OkHttpClient http, String path) throws IOException {
    return http.newCall(new Request.Builder().url("https://api.mesh" + path).build()).execute();
  }

  static String allow(String prefix) {
    return "{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"" + prefix + "\"}}";
  }

  /** Gives {@code web} these permissions and no others, and waits until the server has them. */
  void rules(String... permissions) throws MalformedRequestException {
    String marker = "/marker-" + markers.incrementAndGet();
    String all = String.join(",", permissions);
    plane.intention("web", "api", "[" + all + (all.isEmpty() ? "" : ",") + allow(marker) + "]");
    HttpRequestView view = HttpRequestView.of("GET", marker, List.of("api.mesh"), Map.of());
    await().atMost(GUARD).until(() -> api.explain("web", view).isAllowed());
    await().atMost(GUARD).until(this::mayDial); // the caller hears of it by a watch of its own
  }

  private boolean mayDial() throws IOException {
    try {
      web.dial("api").close();
      return true;
    } catch (MeshAuthorizationException e) {
      return false;
    }
  }

  /** Rotates the root, and waits until both sides trust the new one: nobody may be two behind. */
  void rotate(Callable<?> meanwhile) throws Exception {
    long before = web.trustGeneration();
    long there = api.trustGeneration();
    plane.rotateRoot();
    while (web.trustGeneration() == before || api.trustGeneration() == there || !bothTrustAll()) {
      meanwhile.call();
    }
  }

  boolean bothTrustAll() {
    return trustsAll(web) && trustsAll(api);
  }

  private boolean trustsAll(MeshClient client) {
    return client.trustBundles().stream()
        .anyMatch(bundle -> bundle.roots().containsAll(plane.roots()));
  }

  /** Denies {@code web} everything, down to connecting. */
  void deny() {
    plane.deny("web", "api");
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
