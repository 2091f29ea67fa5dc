package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLSocket;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Our clients call services behind Envoy, with certificates of a real agent on both sides. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class EnvoyInboundTest {
  private static final Destination DB = Destination.parse("db");

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
      agent.removeAllIntentions();
    }
  }

  private EnvoySidecar sidecar(EnvoySidecar.Builder builder) throws IOException {
    EnvoySidecar sidecar = cast.keep(builder.start());
    sidecar.register();
    return sidecar;
  }

  private OkHttpClient http(MeshClient mesh) {
    return PatientHttp.closing(cast, MeshOkHttp.install(PatientHttp.builder(), mesh).build());
  }

  private static Response call(OkHttpClient http, String path) throws IOException {
    return http.newCall(new Request.Builder().url("https://db.mesh" + path).build()).execute();
  }

  private static int status(OkHttpClient http, String path) throws IOException {
    try (Response response = call(http, path)) {
      assertThat(response.body().string()).isNotEmpty();
      return response.code();
    }
  }

  private static Intention permitted(String source, String prefix) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", "db"),
        Optional.empty(),
        List.of(
            new Permission(
                Intention.Action.ALLOW,
                Optional.of(new Permission.PathCondition(Permission.PathKind.PREFIX, prefix)),
                List.of(),
                List.of(),
                false)),
        9,
        false,
        "",
        List.of());
  }

  private static Intention of(String source, Intention.Action action) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", "db"),
        Optional.of(action),
        List.of(),
        9,
        false,
        "",
        List.of());
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP1, http/1.1, HTTP/1.1, CONSCRYPT",
    "HTTP2, h2, HTTP/2.0, CONSCRYPT",
    "HTTP1, http/1.1, HTTP/1.1, JSSE",
    "HTTP2, h2, HTTP/2.0, JSSE"
  })
  void ourOkHttpClientIsServedAndTheApplicationIsToldWhoCalls(
      EnvoySidecar.Protocol protocol, String spoken, String behind, TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    PlainApplication app = cast.keep(PlainApplication.start());
    EnvoySidecar db = sidecar(EnvoySidecar.inbound(agent, "db", protocol, app.port()));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    assertThat(web.endpoints(DB))
        .singleElement()
        .satisfies(endpoint -> {
          assertThat(endpoint.kind()).isEqualTo(Endpoint.Kind.PROXY);
          assertThat(endpoint.port()).isEqualTo(db.port());
        });
    try (Response response = call(http(web), "/orders/17?full=yes")) {
      assertThat(response.code()).isEqualTo(200);
      assertThat(response.protocol()).isEqualTo(Protocol.get(spoken));
      assertThat(response.handshake().tlsVersion().javaName()).isEqualTo("TLSv1.3");
      assertThat(response.body().string())
          .startsWith("GET /orders/17?full=yes " + behind + " from ")
          .contains("URI=" + web.identity().id());
    }
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void ourSocketsCarryBytesUntilEnvoyDeniesConnections(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    Echo echo = cast.keep(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    EnvoySidecar db =
        sidecar(
            EnvoySidecar.inbound(agent, "db", EnvoySidecar.Protocol.TCP, echo.port())
                .enforcing(List.of(of("web", Intention.Action.ALLOW)), DefaultDecision.DENY));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    MeshClient api = cast.client("api");
    Cast.awaitEndpoint(api, "db");
    try (SSLSocket socket = web.dial("db")) {
      Echo.ping(socket);
      web.verifyPeer(socket.getSession(), DB);
    }
    assertThat(served(api)).isFalse();
    db.enforce(List.of(of("web", Intention.Action.DENY)), DefaultDecision.ALLOW);
    Cast.await("Envoy denies web", () -> !served(web));
    assertThat(served(api)).isTrue();
    // What asks for a request denies a connection.
    db.enforce(List.of(permitted("web", "/")), DefaultDecision.ALLOW);
    assertThat(served(web)).isFalse();
    db.enforce(List.of(), DefaultDecision.ALLOW);
    Cast.await("Envoy allows web", () -> served(web));
  }

  /** Envoy ends a connection that it denies after the handshake and without a word. */
  private static boolean served(MeshClient client) throws IOException {
    try (SSLSocket socket = client.dial("db")) {
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      socket.getOutputStream().write('!');
      return socket.getInputStream().read() == '!';
    } catch (SocketTimeoutException e) {
      throw e;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void whatEnvoyDeniesByThePathIsAnAnswerAndTheConnectionLives() throws Exception {
    cast = new Cast(agent);
    PlainApplication app = cast.keep(PlainApplication.start());
    EnvoySidecar db =
        sidecar(
            EnvoySidecar.inbound(agent, "db", EnvoySidecar.Protocol.HTTP1, app.port())
                .enforcing(List.of(permitted("web", "/orders")), DefaultDecision.DENY));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    OkHttpClient http = http(web);
    assertThat(status(http, "/orders/17")).isEqualTo(200);
    int before = app.requests();
    try (Response response = call(http, "/admin")) {
      assertThat(response.code()).isEqualTo(403);
      assertThat(response.body().string()).isEqualTo("RBAC: access denied");
    }
    assertThat(app.requests()).isEqualTo(before);
    assertThat(status(http, "/orders/18")).isEqualTo(200);
    assertThat(http.connectionPool().connectionCount()).isEqualTo(1);

    db.enforce(List.of(permitted("web", "/admin")), DefaultDecision.DENY);
    Cast.await("the other path is allowed", () -> status(http, "/admin") == 200);
    assertThat(status(http, "/orders/17")).isEqualTo(403);
  }

  @Test
  @Tag("T08")
  void anEnvoyOfAnotherServiceIsRefusedBeforeARequest() throws Exception {
    cast = new Cast(agent);
    PlainApplication app = cast.keep(PlainApplication.start());
    EnvoySidecar other =
        cast.keep(
            EnvoySidecar.inbound(agent, "other", EnvoySidecar.Protocol.HTTP1, app.port()).start());
    agent.register("db", "db-usurped", "127.0.0.1", other.port());
    cast.keep(() -> agent.deregister("db-usurped"));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    OkHttpClient http = http(web);
    assertThatThrownBy(() -> status(http, "/"))
        .isInstanceOf(PeerIdentityException.class)
        .hasMessageContaining("/svc/other");
    assertThat(app.requests()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"HTTP1, CONSCRYPT", "HTTP2, CONSCRYPT", "HTTP1, JSSE", "HTTP2, JSSE"})
  @Tag("T25")
  void aDenyEndsAnAnswerUnderWayAndAnAllowBringsTheServiceBack(
      EnvoySidecar.Protocol protocol, TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    PlainApplication app = cast.keep(PlainApplication.start());
    sidecar(EnvoySidecar.inbound(agent, "db", protocol, app.port()));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    OkHttpClient http = http(web);
    try (Response stream = call(http, PlainApplication.STREAM)) {
      BufferedSource body = stream.body().source();
      assertThat(body.readUtf8Line()).isEqualTo("still here");
      agent.deny("web", "db");
      // Envoy itself would let it go on: the caller reads its own intentions.
      assertThatThrownBy(() -> readUntilCut(body))
          .isInstanceOf(
              protocol == EnvoySidecar.Protocol.HTTP1
                  ? MeshAuthorizationException.class
                  : IOException.class);
    }
    int before = app.requests();
    assertThatThrownBy(() -> status(http, "/orders/17"))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("default/web => default/db");
    assertThat(app.requests()).isEqualTo(before);
    agent.allow("web", "db");
    Cast.await(
        "web is allowed again",
        () -> {
          try {
            return status(http, "/orders/17") == 200;
          } catch (MeshAuthorizationException e) {
            return false;
          }
        });
  }

  private static void readUntilCut(BufferedSource body) throws IOException {
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < Cast.GUARD.toNanos()) {
      assertThat(body.readUtf8LineStrict()).isEqualTo("still here");
    }
  }

  /** What the other tests rely on: nobody is served whom the mesh does not know. */
  @Test
  void envoyServesNobodyWithoutACertificateOfTheMesh() throws Exception {
    cast = new Cast(agent);
    Echo echo = cast.keep(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    EnvoySidecar db =
        sidecar(EnvoySidecar.inbound(agent, "db", EnvoySidecar.Protocol.TCP, echo.port()));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "db");
    assertThat(served(web)).isTrue();
    int before = echo.bytes();
    // Of an authority of its own that bears the mesh's name.
    RawPeer stranger =
        RawPeer.of(
            TlsWorld.Tls.JSSE.security(),
            MeshTestAuthority.create(agent.trustDomain(), KeyType.EC_P256, Clock.systemUTC())
                .issue(LeafSpec.service("web")));
    for (RawPeer peer : List.of(RawPeer.nameless(TlsWorld.Tls.JSSE.security()), stranger)) {
      assertThatThrownBy(() -> peer.ping(db.port())).isInstanceOf(IOException.class);
    }
    assertThat(echo.bytes()).isEqualTo(before);
  }
}
