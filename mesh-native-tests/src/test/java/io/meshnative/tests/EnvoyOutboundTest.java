package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.HttpRefusal;
import io.meshnative.MeshClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A plain caller reaches each of our servers through its Envoy. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class EnvoyOutboundTest {
  private ConsulAgent agent;
  private Cast cast;

  /** A server of ours, and how Envoy comes to it. */
  record Way(
      String server,
      HttpServerUnderTest.Factory factory,
      TlsKind tls,
      EnvoySidecar.Protocol protocol,
      String newestTls) {
    @Override
    public String toString() {
      return server
          + " on "
          + tls
          + ", "
          + protocol
          + " over "
          + (newestTls.isEmpty() ? "what Envoy chooses" : newestTls);
    }

    /** Whether it serves servlets, and speaks HTTP/2. */
    boolean container() {
      return adapter() && !server.equals(HttpServerKind.JDK.name());
    }

    boolean adapter() {
      return !server.equals("listen");
    }
  }

  static Stream<Way> ways() {
    List<Way> ways = new ArrayList<>();
    for (TlsKind tls : TlsKind.values()) {
      for (String newest : List.of("", "TLSv1_2", "TLSv1_3")) {
        ways.add(
            new Way("listen", ListeningHttpServer::new, tls, EnvoySidecar.Protocol.HTTP1, newest));
      }
      for (HttpServerKind kind : HttpServerKind.values()) {
        ways.add(new Way(kind.name(), kind::start, tls, EnvoySidecar.Protocol.HTTP1, "TLSv1_2"));
        ways.add(new Way(kind.name(), kind::start, tls, EnvoySidecar.Protocol.HTTP1, "TLSv1_3"));
        if (kind != HttpServerKind.JDK) {
          ways.add(new Way(kind.name(), kind::start, tls, EnvoySidecar.Protocol.HTTP2, "TLSv1_2"));
          ways.add(new Way(kind.name(), kind::start, tls, EnvoySidecar.Protocol.HTTP2, "TLSv1_3"));
        }
      }
    }
    return ways.stream();
  }

  static Stream<Way> adapters() {
    return ways().filter(Way::adapter);
  }

  @BeforeAll
  void startAgent() throws IOException {
    RealPeers.requireConsul();
    RealPeers.requireEnvoyAtLeast(1, 36);
    agent = ConsulAgent.start(true);
  }

  @AfterAll
  void stopAgent() {
    if (agent != null) {
      agent.close();
    }
  }

  @AfterEach
  void leaveNothing() throws Exception {
    if (cast != null) {
      cast.close();
      agent.removeAllIntentions();
    }
  }

  /** A caller that knows nothing of the mesh, and tries nothing twice. */
  private OkHttpClient plain() {
    return PatientHttp.closing(cast, PatientHttp.builder().retryOnConnectionFailure(false).build());
  }

  private static Response call(OkHttpClient http, EnvoySidecar sidecar, String path)
      throws IOException {
    String url = "http://127.0.0.1:" + sidecar.port() + path;
    return http.newCall(new Request.Builder().url(url).build()).execute();
  }

  private static int status(OkHttpClient http, EnvoySidecar sidecar, String path)
      throws IOException {
    try (Response response = call(http, sidecar, path)) {
      String unused = response.body().string();
      return response.code();
    }
  }

  private static void readUntilCut(BufferedSource body) throws IOException {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < Cast.GUARD.toNanos()) {
      if (body.read(new okio.Buffer(), 64 * 1024) < 0) {
        throw new IOException("the answer ended as if it were whole");
      }
    }
  }

  /** Its application, in a world where {@code web}'s Envoy may call {@code api}'s server. */
  private HttpServerUnderTest serve(Way way, RecordingApplication application, MeshClient api)
      throws Exception {
    HttpServerUnderTest server = cast.keep(way.factory().start(api, application));
    Cast.await("the gate is armed", server::armed);
    return server;
  }

  @ParameterizedTest
  @MethodSource("ways")
  @Tag("T25")
  void aCallerIsServedUntilAnIntentionDenies(Way way) throws Exception {
    cast = new Cast(agent, way.tls().provider());
    RecordingApplication application = new RecordingApplication();
    MeshClient api = cast.client("api");
    HttpServerUnderTest server = serve(way, application, api);
    EnvoySidecar web =
        cast.keep(
            EnvoySidecar.outbound(agent, "web", "api", way.protocol(), server.port())
                .newestTls(way.newestTls())
                .start());
    OkHttpClient http = plain();

    try (Response response = call(http, web, "/orders/17?full=yes")) {
      assertThat(response.code()).isEqualTo(200);
      assertThat(response.body().string()).isEqualTo("seen\n");
      if (way.container()) { // though HTTP/2 carries the scheme of the plain call
        assertThat(response.header(RecordingServlet.SECURITY)).isEqualTo("https is secure");
      }
    }
    assertThat(application.seen())
        .singleElement()
        .satisfies(seen -> {
          assertThat(seen.peer()).endsWith("/ns/default/dc/dc1/svc/web");
          assertThat(seen.method()).isEqualTo("GET");
        });
    if (!way.newestTls().isEmpty()) {
      String version = way.newestTls().replace('_', '.');
      assertThat(web.process().stat("cluster.target.ssl.versions." + version)).isPositive();
    }

    try (Response stream = call(http, web, "/flood")) {
      assertThat(stream.code()).isEqualTo(200);
      BufferedSource body = stream.body().source();
      assertThat(body.readUtf8Line()).startsWith("xxx");
      agent.deny("web", "api");
      assertThatThrownBy(() -> readUntilCut(body)).isInstanceOf(IOException.class);
    }
    assertThat(application.ending().failure()).isPresent();
    Cast.await("api denies web", () -> !api.explain("web").isAllowed());
    int before = application.seen().size();
    for (int i = 0; i < 3; i++) {
      assertThat(status(http, web, "/orders/18")).isEqualTo(503);
    }
    assertThat(application.seen()).hasSize(before);

    agent.allow("web", "api");
    Cast.await("web is served again", () -> status(http, web, "/orders/19") == 200);
  }

  private static final int DENIED = 10;
  private static final String PUBLIC =
      "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/public/\"}}]";
  private static final String ORDERS =
      "[{\"Action\":\"allow\",\"HTTP\":{\"PathPrefix\":\"/orders/\"}}]";

  /** Consul 1.8 has no such rules: the certificates are the embedded plane's here. */
  @ParameterizedTest
  @MethodSource("adapters")
  @Tag("T25")
  void requestsAreJudgedOneByOneAndOneUnderWayEndsWithItsRight(Way way) throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(false)) {
      cast = new Cast(plane, way.tls().provider());
      RecordingApplication application = new RecordingApplication();
      plane.plane().intention("web", "api", PUBLIC);
      MeshClient api = cast.client("api");
      HttpServerUnderTest server = serve(way, application, api);
      EnvoySidecar web =
          cast.keep(
              EnvoySidecar.outbound(plane, "web", "api", way.protocol(), server.port())
                  .newestTls(way.newestTls())
                  .start());
      OkHttpClient http = plain();

      assertThat(status(http, web, "/public/a")).isEqualTo(200);
      for (int i = 0; i < DENIED; i++) {
        try (Response denied = call(http, web, "/orders/17")) {
          assertThat(denied.code()).isEqualTo(403);
          assertThat(denied.header(HttpRefusal.HEADER)).isEqualTo("default");
          String unused = denied.body().string();
        }
      }
      assertThat(application.seen())
          .extracting(RecordingApplication.Seen::path)
          .containsExactly("/public/a");
      // A denied request ends no connection: Envoy goes on with it.
      assertThat(web.process().stat("cluster.target.upstream_cx_total")).isLessThan(DENIED);

      try (Response stream = call(http, web, "/public/flood")) {
        BufferedSource body = stream.body().source();
        assertThat(body.readUtf8Line()).startsWith("xxx");
        plane.plane().intention("web", "api", ORDERS);
        assertThatThrownBy(() -> readUntilCut(body)).isInstanceOf(IOException.class);
      }
      assertThat(application.ending().failure()).isPresent();
      Cast.await("the new rules are held", () -> status(http, web, "/orders/17") == 200);
      assertThat(status(http, web, "/public/a")).isEqualTo(403);
      cast.close();
    }
  }
}
