package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The proxy that Consul brings along, which we did not write: as server for us, and as client to
 * us. That of 1.8.7 offers the protocol h2, sends no server name, and then carries opaque bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class BuiltInProxyTest {
  private static final Destination ECHO = Destination.parse("echo");

  private ConsulAgent agent;
  private Cast cast;

  @BeforeAll
  void startAgent() throws IOException {
    RealPeers.requireConsul();
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

  private void proxy(String log, List<String> arguments) throws IOException {
    Process process = agent.run(log, arguments, Map.of());
    cast.keep(() -> ConsulAgent.end(process));
  }

  /** A plain TCP echo behind a proxy that is registered as echo's sidecar. */
  private Echo echoBehindProxy() throws IOException {
    Echo echo = cast.keep(new Echo(new ServerSocket(0, 50, InetAddress.getLoopbackAddress())));
    int listen = Ports.reserve();
    proxy(
        "echo-proxy.log",
        List.of(
            "connect",
            "proxy",
            "-service=echo",
            "-service-addr=127.0.0.1:" + echo.port(),
            "-listen=127.0.0.1:" + listen,
            "-register",
            "-register-id=echo-" + listen));
    return echo;
  }

  /** Waits until the proxy has its certificate and serves. */
  private static void awaitServed(MeshClient web) {
    Cast.awaitEndpoint(web, "echo");
    Cast.await(
        "the proxy serves",
        () -> {
          try {
            return Cast.reaches(web, "echo");
          } catch (IOException e) {
            return false;
          }
        });
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aServiceBehindTheProxyIsReachedUntilAnIntentionDenies(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    Echo echo = echoBehindProxy();
    MeshClient web = cast.client("web");
    assertThat(web.snapshot().tlsProvider()).isEqualTo(tls.shown);
    awaitServed(web);
    assertThat(web.endpoints(ECHO))
        .singleElement()
        .extracting(Endpoint::kind)
        .isEqualTo(Endpoint.Kind.PROXY);
    SSLSocket open = cast.keep(web.dial("echo"));
    open.setSoTimeout((int) Cast.GUARD.toMillis());
    Echo.ping(open);
    try (SSLSocket h2 = web.dial(ECHO, DialOptions.defaults().withAlpn("h2"))) {
      Echo.ping(h2);
      // 1.8 answers h2, 1.10 and newer nothing; the bytes are opaque either way.
      boolean answers =
          AgentApi.field(agent.api().require("GET", "/v1/agent/self", ""), "Version")
              .startsWith("1.8.");
      assertThat(h2.getApplicationProtocol()).isEqualTo(answers ? "h2" : "");
    }
    web.verifyPeer(open.getSession(), ECHO);

    int before = echo.bytes();
    agent.deny("web", "echo");
    // The proxy asks only when it accepts: what is open is ended by the caller, who reads its own
    // intentions.
    assertThatThrownBy(() -> open.getInputStream().read())
        .isInstanceOf(MeshAuthorizationException.class);
    assertThatThrownBy(() -> web.dial("echo"))
        .isInstanceOf(MeshAuthorizationException.class)
        .hasMessageContaining("may call echo")
        .hasMessageContaining("default/web => default/echo");
    assertThat(echo.bytes()).isEqualTo(before);

    agent.remove("web", "echo");
    Cast.awaitReaches(web, "echo", true);
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void whoReadsNoIntentionsIsRefusedByTheProxyItself(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    Echo echo = echoBehindProxy();
    MeshClient web = cast.lawless("web");
    awaitServed(web);
    agent.deny("web", "echo");
    // The proxy decides by the agent's cache, which follows in its own time.
    Cast.awaitReaches(web, "echo", false);
    int before = echo.bytes();
    assertThatThrownBy(
            () -> {
              try (SSLSocket socket = web.dial("echo")) {
                Echo.ping(socket);
              }
            })
        .isInstanceOf(PeerRefusedException.class)
        .hasMessageContaining("look at the intentions of echo");
    assertThat(echo.bytes()).isEqualTo(before);
  }

  /** The local port of a proxy of web whose upstream is db. */
  private int upstreamToDb() throws IOException {
    int port = Ports.reserve();
    proxy("web-proxy.log", List.of("connect", "proxy", "-service=web", "-upstream=db:" + port));
    return port;
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket();
    socket.connect(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) Cast.GUARD.toMillis());
    socket.setSoTimeout((int) Cast.GUARD.toMillis());
    return socket;
  }

  private static boolean reaches(int port) {
    try (Socket socket = connect(port)) {
      Echo.ping(socket);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void theProxyReachesOurListenerUntilAnIntentionDenies(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    MeshClient db = cast.registered("db");
    Echo echo = cast.echo(db);
    Cast.await(
        "db is in the catalog",
        () -> agent.api().require("GET", "/v1/health/connect/db", "").contains("db-"));
    int port = upstreamToDb();
    Cast.await("the proxy reaches db", () -> reaches(port));
    Socket open = cast.keep(connect(port));
    Echo.ping(open);
    assertThat(db.snapshot().connections())
        .isNotEmpty()
        .allSatisfy(
            connection -> assertThat(connection.peer().toString()).endsWith("/dc/dc1/svc/web"));

    agent.deny("web", "db");
    // An end or a reset, both are the proxy's way to say that we have closed.
    Cast.await("db says no", () -> !db.explain("web").isAllowed());
    assertThat(endOf(open)).isTrue();
    Cast.await("nobody is connected any more", () -> db.snapshot().connections().isEmpty());
    int accepted = echo.accepted();
    int bytes = echo.bytes();
    assertThat(reaches(port)).isFalse();
    assertThat(echo.accepted()).isEqualTo(accepted);
    assertThat(echo.bytes()).isEqualTo(bytes);
    assertThat(db.snapshot().lastDenials())
        .isNotEmpty()
        .allSatisfy(
            denied -> assertThat(denied.peer().orElseThrow().toString()).endsWith("/svc/web"));

    agent.allow("web", "db");
    Cast.await("the proxy reaches db again", () -> reaches(port));
  }

  private static boolean endOf(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      throw e;
    } catch (IOException e) {
      return true;
    }
  }
}
