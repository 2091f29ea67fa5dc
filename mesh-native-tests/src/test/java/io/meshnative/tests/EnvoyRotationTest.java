package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshOkHttp;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.stream.Stream;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Leaves of both sides and the root of a real agent change under requests between us and Envoy, and
 * none of them fails: on connections that are kept, and on new ones.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class EnvoyRotationTest {
  private static final int ROTATIONS = 2;

  private ConsulAgent agent;
  private Cast cast;

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
    }
  }

  /** Follows every rotation, which agents of 1.8 and 1.10 do not make easy. */
  private MeshClient following(String service) throws Exception {
    return cast.ready(cast.on(agent.impatientClient(service)));
  }

  private static void get(OkHttpClient http, String url) throws IOException {
    try (Response response = http.newCall(new Request.Builder().url(url).build()).execute()) {
      String body = response.body().string();
      assertThat(response.code()).as(body).isEqualTo(200);
    }
  }

  private static X509Certificate leaf(MeshClient client) {
    return client.identity().chain().get(0);
  }

  /** Changes what can change, one after the other, with requests in between. */
  private void rotate(MeshClient ours, SteadyRequests requests, EnvoySidecar... sidecars)
      throws IOException {
    for (int rotation = 0; rotation < ROTATIONS; rotation++) {
      for (EnvoySidecar sidecar : sidecars) {
        sidecar.renewLeaf();
      }
      requests.awaitMore();
      X509Certificate before = leaf(ours);
      agent.rotateRoot();
      for (EnvoySidecar sidecar : sidecars) {
        sidecar.followRoots();
      }
      requests.awaitMore();
      for (EnvoySidecar sidecar : sidecars) {
        sidecar.renewLeaf();
      }
      requests.awaitMore();
      Cast.await(ours.service() + " has a new leaf", () -> !leaf(ours).equals(before));
      requests.awaitMore();
    }
  }

  @ParameterizedTest
  @CsvSource({"HTTP1, CONSCRYPT", "HTTP2, CONSCRYPT", "HTTP1, JSSE"})
  void noRequestOfOursToEnvoyFails(EnvoySidecar.Protocol protocol, TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    PlainApplication app = cast.keep(PlainApplication.start());
    EnvoySidecar db = cast.keep(EnvoySidecar.inbound(agent, "db", protocol, app.port()).start());
    db.register();
    MeshClient web = following("web");
    Cast.awaitEndpoint(web, "db");
    OkHttpClient kept =
        PatientHttp.closing(cast, MeshOkHttp.install(PatientHttp.builder(), web).build());
    OkHttpClient fresh =
        PatientHttp.closing(cast, MeshOkHttp.install(PatientHttp.builder(), web).build());
    try (SteadyRequests requests =
        SteadyRequests.start(
            () -> get(kept, "https://db.mesh/kept"),
            () -> {
              fresh.connectionPool().evictAll();
              get(fresh, "https://db.mesh/fresh");
            },
            () -> {
              try (RawHttp http = new RawHttp(web.dial("db"))) {
                http.socket().setSoTimeout((int) Cast.GUARD.toMillis());
                assertThat(http.ask("GET", "/dialled").status()).isEqualTo(200);
              }
            })) {
      rotate(web, requests, db);
      requests.close();
      requests.assertNoneFailed();
    }
    assertThat(web.snapshot().lastDenials()).isEmpty();
  }

  static Stream<EnvoyOutboundTest.Way> ways() {
    return EnvoyOutboundTest.ways()
        .filter(way -> way.newestTls().equals("TLSv1_3"))
        .filter(way -> way.tls() == TlsKind.CONSCRYPT || !way.adapter());
  }

  @ParameterizedTest
  @MethodSource("ways")
  void noRequestThroughEnvoyToUsFails(EnvoyOutboundTest.Way way) throws Exception {
    cast = new Cast(agent, way.tls().provider());
    RecordingApplication application = new RecordingApplication();
    MeshClient api = following("api");
    HttpServerUnderTest server = cast.keep(way.factory().start(api, application));
    Cast.await("the gate is armed", server::armed);
    EnvoySidecar kept =
        cast.keep(
            EnvoySidecar.outbound(agent, "web", "api", way.protocol(), server.port())
                .newestTls(way.newestTls())
                .start());
    EnvoySidecar fresh =
        cast.keep(
            EnvoySidecar.outbound(agent, "web", "api", way.protocol(), server.port())
                .freshConnections()
                .start());
    OkHttpClient http =
        PatientHttp.closing(cast, PatientHttp.builder().retryOnConnectionFailure(false).build());
    try (SteadyRequests requests =
        SteadyRequests.start(
            () -> get(http, "http://127.0.0.1:" + kept.port() + "/kept"),
            () -> get(http, "http://127.0.0.1:" + fresh.port() + "/fresh"))) {
      rotate(api, requests, kept, fresh);
      requests.close();
      requests.assertNoneFailed();
    }
    assertThat(fresh.process().stat("cluster.target.upstream_cx_total")).isGreaterThan(20);
    assertThat(api.snapshot().lastDenials()).isEmpty();
  }
}
