package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.Call;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import okio.Buffer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** OkHttp's calls into the mesh, on each TLS engine. */
@ParameterizedClass
@EnumSource(Engine.class)
class MeshOkHttpTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  @Parameter Engine engine;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private EmbeddedControlPlane plane;
  private MeshClient web;
  private OkHttpClient http;

  @BeforeEach
  void start() throws Exception {
    plane = keep(EmbeddedControlPlane.start());
    web = client("web");
    http =
        MeshOkHttp.install(
                new OkHttpClient.Builder()
                    .callTimeout(GUARD)
                    .readTimeout(GUARD)
                    .dns(host -> {
                      if (host.equals("outside.test")) {
                        return List.of(java.net.InetAddress.getLoopbackAddress());
                      }
                      throw new AssertionError("DNS was asked for " + host);
                    }),
                web)
            .build();
    keep(() -> {
      http.connectionPool().evictAll();
      http.dispatcher().executorService().shutdown();
    });
  }

  @AfterEach
  void stop() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  private MeshClient client(String service) throws Exception {
    MeshClient client =
        keep(
            MeshClient.builder(service)
                .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                .tlsProvider(engine.provider())
                .build());
    client.awaitReady(GUARD);
    return client;
  }

  private Application db(Protocol... protocols) throws Exception {
    return keep(new Application(plane, client("db"), "db-1", protocols));
  }

  private Response call(String url) throws IOException {
    return http.newCall(new Request.Builder().url(url).build()).execute();
  }

  private String get(String url) throws IOException {
    try (Response response = call(url)) {
      assertThat(response.code()).isEqualTo(200);
      return response.body().string();
    }
  }

  @Test
  void aMeshHostIsReachedAtThePortOfItsEndpointAndHttpMeansTlsToo() throws Exception {
    Application db = db();
    for (String url : List.of("https://db.mesh/a", "http://db.mesh/a", "http://db.mesh:81/a")) {
      db.answer("hello");
      assertThat(get(url)).isEqualTo("hello");
      assertThat(db.request().getHandshake()).as("mutual TLS").isNotNull();
    }
    db.answer("hello");
    assertThat(get("https://db.service.consul/")).isEqualTo("hello");
  }

  @Test
  void http2IsSpokenWhereBothCanAndHttp1Else() throws Exception {
    db().answer("two");
    try (Response response = call("https://db.mesh/")) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_2);
    }
    keep(new Application(plane, client("old"), "old-1", Protocol.HTTP_1_1)).answer("one");
    try (Response response = call("https://old.mesh/")) {
      assertThat(response.protocol()).isEqualTo(Protocol.HTTP_1_1);
    }
  }

  @Test
  void thePeersChainIsCompleteToTheRoot() throws Exception {
    db().answer("hello");
    try (Response response = call("https://db.mesh/")) {
      assertThat(response.handshake().peerCertificates()).hasSizeGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void anUnknownServiceHasNoEndpointAndDnsIsNotAsked() {
    assertThatThrownBy(() -> get("https://nobody.mesh/"))
        .isInstanceOf(NoEndpointException.class)
        .hasMessageContaining("expected an endpoint of nobody");
    assertThatThrownBy(() -> get("https://-.mesh/"))
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("expected the name of a mesh service");
  }

  @Test
  void otherHostsAreLeftAlone() throws Exception {
    try (MockWebServer plain = new MockWebServer()) {
      plain.start();
      plain.enqueue(new MockResponse.Builder().body("plain").build());
      assertThat(get("http://outside.test:" + plain.getPort() + "/")).isEqualTo("plain");
    }
  }

  @Test
  void theNextEndpointIsTriedWhereOneIsDead() throws Exception {
    Application db = db();
    try (MockWebServer dead = new MockWebServer()) {
      dead.start();
      plane.register("db", "db-0", "127.0.0.1", dead.getPort());
    } // its port is free again: who connects is refused
    await().atMost(GUARD).until(() -> web.endpoints(Destination.parse("db")).size() == 2);
    for (int i = 0; i < 6; i++) {
      db.answer("alive");
      assertThat(get("https://db.mesh/")).isEqualTo("alive");
      http.connectionPool().evictAll();
    }
  }

  @Test
  @Tag("T12")
  void anotherServiceAtTheAddressIsRefusedByName() throws Exception {
    Application other = keep(new Application(plane, client("other"), "other-1"));
    plane.register("db", "db-1", "127.0.0.1", other.server.getPort());
    assertThatThrownBy(() -> get("https://db.mesh/"))
        .isInstanceOf(PeerIdentityException.class)
        .hasMessageContaining("/svc/db")
        .hasMessageContaining("/svc/other");
    assertThat(other.server.getRequestCount()).isZero();
  }

  @Test
  void aDenialRefusesNewCallsAndCutsRunningOnes() throws Exception {
    Application db = db();
    db.server.enqueue(
        new MockResponse.Builder()
            .body(new Buffer().write(new byte[1 << 20]))
            .throttleBody(1024, 50, TimeUnit.MILLISECONDS)
            .build());
    try (Response running = call("https://db.mesh/")) {
      assertThat(running.body().source().readByte()).isZero();
      plane.deny("web", "db");
      assertThatThrownBy(() -> running.body().bytes()).isInstanceOf(IOException.class);
    }
    await()
        .atMost(GUARD)
        .untilAsserted(() ->
            assertThatThrownBy(() -> get("https://db.mesh/"))
                .isInstanceOf(MeshAuthorizationException.class));
    plane.allow("web", "db");
    await()
        .atMost(GUARD)
        .until(() ->
            web.explain(Destination.parse("db")).isAllowed() && db.mesh.explain("web").isAllowed());
    db.server.setDispatcher(new Always("back"));
    assertThat(get("https://db.mesh/")).isEqualTo("back");
  }

  @Test
  void aPooledConnectionThatWasCutFailsNoCallOnceTheRightIsBack() throws Exception {
    Application db = db();
    db.server.setDispatcher(new Always("hello"));
    assertThat(get("https://db.mesh/")).isEqualTo("hello");
    assertThat(http.connectionPool().idleConnectionCount()).isEqualTo(1);
    plane.deny("web", "db");
    await().atMost(GUARD).until(() -> web.snapshot().connections().isEmpty());
    plane.allow("web", "db");
    await()
        .atMost(GUARD)
        .until(() ->
            web.explain(Destination.parse("db")).isAllowed() && db.mesh.explain("web").isAllowed());
    assertThat(get("https://db.mesh/")).isEqualTo("hello");
  }

  @Test
  @Tag("T12")
  void twoNamesOfOneServiceShareNoConnection() throws Exception {
    Application db = db();
    db.server.setDispatcher(new Always("hello"));
    assertThat(get("https://db.mesh/")).isEqualTo("hello");
    assertThat(get("https://db.service.consul/")).isEqualTo("hello");
    assertThat(http.connectionPool().connectionCount()).as("none is coalesced").isEqualTo(2);
  }

  @Test
  void aWebSocketSpeaksUntilTheRightIsWithdrawn() throws Exception {
    Application db = db();
    db.server.enqueue(
        new MockResponse.Builder()
            .webSocketUpgrade(
                new WebSocketListener() {
                  @Override
                  public void onMessage(WebSocket socket, String text) {
                    socket.send("echo " + text);
                  }
                })
            .build());
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    CountDownLatch over = new CountDownLatch(1);
    WebSocket socket =
        http.newWebSocket(
            new Request.Builder().url("wss://db.mesh/talk").build(),
            new WebSocketListener() {
              @Override
              public void onMessage(WebSocket from, String text) {
                heard.add(text);
              }

              @Override
              public void onFailure(
                  WebSocket from, Throwable failure, @Nullable Response response) {
                over.countDown();
              }
            });
    assertThat(socket.send("hi")).isTrue();
    assertThat(heard.poll(GUARD.toSeconds(), TimeUnit.SECONDS)).isEqualTo("echo hi");
    plane.deny("web", "db");
    assertThat(over.await(GUARD.toSeconds(), TimeUnit.SECONDS)).as("it ends").isTrue();
  }

  @Test
  void callsGoOnOverRotationsAndEachGenerationHasConnectionsOfItsOwn() throws Exception {
    Application db = db();
    db.server.setDispatcher(new Always("hello"));
    for (int rotation = 0; rotation < 5; rotation++) {
      plane.rotateRoot();
      while (!World.trustsAll(web, plane) || !World.trustsAll(db.mesh, plane)) {
        assertThat(get("https://db.mesh/")).isEqualTo("hello");
      }
      assertThat(get("https://db.mesh/")).isEqualTo("hello");
    }
    assertThat(http.connectionPool().connectionCount()).isGreaterThan(1);
  }

  @Test
  void configEntriesLeadACallToTheServiceThatMustAnswer() throws Exception {
    plane.configEntry(
        "{\"Kind\":\"service-resolver\",\"Name\":\"db\",\"Redirect\":{\"Service\":\"db-v2\"}}");
    Application next = keep(new Application(plane, client("db-v2"), "db-v2-1"));
    next.answer("two");
    assertThat(get("https://db.mesh/")).isEqualTo("two");
  }

  @Test
  void aClientThatExistsLendsItsPoolAndStaysAsItWas() throws Exception {
    OkHttpClient plain = new OkHttpClient();
    Call.Factory calls = MeshOkHttp.callFactory(plain, web);
    db().answer("hello");
    Request request = new Request.Builder().url("https://db.mesh/").build();
    try (Response response = calls.newCall(request).execute()) {
      assertThat(response.body().string()).isEqualTo("hello");
    }
    assertThat(plain.interceptors()).isEmpty();
    assertThat(plain.connectionPool().connectionCount()).isEqualTo(1);
    plain.connectionPool().evictAll();
  }
}
