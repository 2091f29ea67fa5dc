package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.eclipse.jetty.ee11.servlet.ServletContextHandler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The filter alone, in a container that knows nothing of the mesh but its TLS context. */
@Timeout(600)
class MeshAuthorizationFilterTest {
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final TestApplication application = new TestApplication();
  private EmbeddedControlPlane plane;
  private MeshClient api;
  private MeshClient web;
  private OkHttpClient http;
  private RequestGate gate;
  private int marker;

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedControlPlane.builder().defaultAllow(false).start();
    open.push(plane);
    api = client("api");
    web = client("web");
    gate = api.requestGate();
    http = MeshOkHttp.install(new OkHttpClient.Builder().readTimeout(GUARD), web).build();
    open.push(() -> {
      http.connectionPool().evictAll();
      http.dispatcher().executorService().shutdown();
    });
  }

  @AfterEach
  void leave() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private MeshClient client(String service) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .build();
    open.push(client);
    client.awaitReady(GUARD);
    return client;
  }

  private void serve() throws Exception {
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setSslContext(api.serverContext(gate));
    tls.setNeedClientAuth(true);
    HttpConfiguration configuration = new HttpConfiguration();
    configuration.addCustomizer(new SecureRequestCustomizer(false));
    HttpConnectionFactory http1 = new HttpConnectionFactory(configuration);
    Server server = new Server();
    ServerConnector connector =
        new ServerConnector(server, new SslConnectionFactory(tls, http1.getProtocol()), http1);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setStopTimeout(0);
    ServletContextHandler context = new ServletContextHandler("/");
    context.addServletContainerInitializer((classes, servlets) -> application.install(servlets));
    application.errorPage(path -> {
      var errors = new org.eclipse.jetty.ee11.servlet.ErrorPageErrorHandler();
      errors.addErrorPage(404, path);
      context.setErrorHandler(errors);
    });
    server.setHandler(context);
    server.start();
    open.push(server::stop);
    plane.register("api", "api-1", "127.0.0.1", connector.getLocalPort());
    await().atMost(GUARD).until(() -> !web.endpoints(Destination.parse("api")).isEmpty());
  }

  private void rules(String... permissions) throws Exception {
    String path = "/marker-" + marker++;
    String all = String.join(",", permissions);
    plane.intention(
        "web", "api", "[" + all + (all.isEmpty() ? "" : ",") + ServletWorld.allow(path) + "]");
    HttpRequestView view = HttpRequestView.of("GET", path, List.of("api"), Map.of());
    await().atMost(GUARD).until(() -> api.explain("web", view).isAllowed());
  }

  private Response get(String path) throws IOException {
    return http.newCall(new Request.Builder().url("https://api.mesh" + path).build()).execute();
  }

  private void assertRefused(String path, int status, String id) throws IOException {
    try (Response response = get(path)) {
      assertThat(response.code()).isEqualTo(status);
      assertThat(response.header(HttpRefusal.HEADER)).isEqualTo(id);
      assertThat(response.body().string()).isEqualTo(id + "\n");
    }
  }

  @Test
  void theFilterArmsNothingSoThatNobodyIsLetInByForgettingToProveIt() throws Exception {
    application.withFilter(new MeshAuthorizationFilter(api));
    serve();
    rules(ServletWorld.allow("/show/"));
    assertThat(gate.isArmed()).isFalse();
    assertThatThrownBy(() -> get("/show/a")).isInstanceOf(IOException.class);
  }

  @Test
  @Tag("T45")
  void requestsAreJudgedOnceAndTheirDispatchesGoThrough() throws Exception {
    application.withFilter(new MeshAuthorizationFilter(api));
    serve();
    gate.arm();
    rules(
        ServletWorld.allow("/show/public"),
        ServletWorld.allow("/forward"),
        ServletWorld.allow("/later"),
        ServletWorld.allow("/include"),
        ServletWorld.allow("/missing"));
    try (Response response = get("/show/public")) {
      assertThat(response.body().string())
          .contains("principal: " + web.identity().id() + "\n", "auth: CLIENT_CERT\n")
          .doesNotContain("peer: none");
    }
    assertRefused("/show/inner", 403, "default");
    for (String path : List.of("/forward", "/later", "/include", "/missing")) {
      try (Response response = get(path)) {
        assertThat(response.body().string()).contains("/svc/web");
      }
    }
  }

  @Test
  void aRequestWithASecondReadingIsMalformed() throws Exception {
    application.withFilter(new MeshAuthorizationFilter(api));
    serve();
    gate.arm();
    rules(ServletWorld.allow("/"));
    Request doubled =
        new Request.Builder().url("https://api.mesh/show/a").header("x_role", "admin").build();
    try (Response response = http.newCall(doubled).execute()) {
      assertThat(response.code()).isEqualTo(400);
      assertThat(response.header(HttpRefusal.HEADER)).isEqualTo(HttpRefusal.MALFORMED);
    }
  }

  @Test
  @Tag("T45")
  void aDispatchOfARequestThatWasNeverAdmittedIsRefused() throws Exception {
    application.withFilterForDispatchesOnly(new MeshAuthorizationFilter(api));
    serve();
    gate.arm();
    rules(ServletWorld.allow("/"));
    assertRefused("/forward", 403, MeshAuthorizationFilter.NOT_ADMITTED);
  }

  @Test
  void anUpgradeThatCouldNotBeEndedIsRefused() throws Exception {
    application.withFilter(new MeshAuthorizationFilter(api));
    serve();
    gate.arm();
    rules(ServletWorld.allow("/"));
    Request upgrade =
        new Request.Builder()
            .url("https://api.mesh/show/a")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .build();
    try (Response response = http.newCall(upgrade).execute()) {
      assertThat(response.code()).isEqualTo(403);
      assertThat(response.header(HttpRefusal.HEADER)).isEqualTo(MeshAuthorizationFilter.UPGRADE);
    }
  }

  @Test
  void aRunningRequestEndsWithItsRight() throws Exception {
    application.withFilter(new MeshAuthorizationFilter(api));
    serve();
    gate.arm();
    rules(ServletWorld.allow("/flood"), ServletWorld.allow("/events"));
    Response flood = get("/flood");
    Response events = get("/events");
    try (flood;
        events) {
      assertThat(events.body().source().readUtf8Line()).isEqualTo("data: first");
      rules();
      assertThatThrownBy(() -> flood.body().source().readAll(okio.Okio.blackhole()))
          .isInstanceOf(IOException.class);
      assertThat(application.ending()).isInstanceOf(IOException.class);
      assertThat(events.body().source().readUtf8Line()).isEmpty();
      assertThat(events.body().source().exhausted()).as("it was completed").isTrue();
    }
  }
}
