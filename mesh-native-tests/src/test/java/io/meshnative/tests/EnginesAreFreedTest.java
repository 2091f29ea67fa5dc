package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerAuthorizer;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * However a connection ends, or never begins, its engine is driven to its end, which is when
 * BoringSSL frees its memory (DESIGN §4.3). The provider counts every engine that was made, the
 * clients stay open meanwhile, and nothing is left to a finalizer.
 */
@Timeout(180)
class EnginesAreFreedTest {
  private static final Destination DB = Destination.parse("db");
  private static final Destination WEB = Destination.parse("web");

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private CountingProvider engines;
  private MeshClient web;
  private MeshClient db;

  private void start(Tls tls) throws Exception {
    engines = new CountingProvider(tls.security());
    web = client("web", webPlane);
    db = client("db", dbPlane);
  }

  private MeshClient client(String service, FakeControlPlane plane) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .controlPlane(plane)
            .tlsProvider(TlsProvider.of(engines))
            .tls12(true, true)
            .build();
    client.awaitReady(Duration.ofSeconds(60));
    return client;
  }

  @AfterEach
  void stop() {
    web.close();
    db.close();
  }

  /** All that were made since are freed, and there were as many as expected. */
  private void freed(int atLeast) {
    assertThat(engines.made()).as("engines made").isGreaterThanOrEqualTo(atLeast);
    TlsWorld.await(() -> engines.live().isEmpty());
  }

  private Echo echo() throws IOException {
    Echo echo =
        new Echo(db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()));
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
    return echo;
  }

  /** Whether by an end or by a failure does not matter here. */
  private static void endsSomehow(ThrowingCallable call) {
    try {
      call.call();
    } catch (Throwable e) {
      assertThat(e).isInstanceOf(IOException.class);
    }
  }

  private static SSLSocket layered(MeshClient client, Destination to, int port) throws IOException {
    Socket raw = new Socket(InetAddress.getLoopbackAddress(), port);
    return (SSLSocket) client.sslSocketFactory(to).createSocket(raw, "127.0.0.1", port, true);
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofConnectionsThatTheClientCloses(Tls tls) throws Exception {
    start(tls);
    try (Echo echo = echo()) {
      try (SSLSocket socket = web.dial("db")) {
        Echo.ping(socket);
      }
      TlsWorld.ping(web, DB, echo.port(), "TLSv1.2");
      TlsWorld.ping(web, DB, echo.port(), "TLSv1.3");
      freed(6);
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofConnectionsThatEndInEveryOtherWay(Tls tls) throws Exception {
    start(tls);
    for (String version : new String[] {"TLSv1.3", "TLSv1.2"}) {
      try (Echo echo = echo();
          Gatekeeper gate = new Gatekeeper(echo.port())) {
        for (boolean halfClosed : new boolean[] {false, true}) {
          Socket raw = new Socket(InetAddress.getLoopbackAddress(), gate.port());
          SSLSocket socket =
              (SSLSocket)
                  web.sslSocketFactory(DB).createSocket(raw, "127.0.0.1", gate.port(), true);
          socket.setEnabledProtocols(new String[] {version});
          Echo.ping(socket);
          if (halfClosed) {
            socket.shutdownOutput();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
            socket.close();
          } else {
            raw.close(); // the socket itself is never closed: its server just sees the end
            assertThatThrownBy(() -> Echo.ping(socket)).isInstanceOf(IOException.class);
          }
        }
        SSLSocket cut = layered(web, DB, gate.port());
        Echo.ping(cut);
        gate.close();
        assertThatThrownBy(() -> Echo.ping(cut)).isInstanceOf(IOException.class);
        freed(6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofConnectionsWhoseRightIsWithdrawn(Tls tls) throws Exception {
    start(tls);
    try (Echo echo = echo()) {
      SSLSocket socket = web.dial("db");
      Echo.ping(socket);
      dbPlane.intentions(
          FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
      assertThatThrownBy(() -> Echo.ping(socket)).isInstanceOf(IOException.class);
      freed(2);
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofDialsThatFail(Tls tls) throws Exception {
    start(tls);
    dbPlane.intentions(
        FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
    try (Echo echo = echo()) {
      // Refused by the server: in TLS 1.3 at the first read, in TLS 1.2 in the handshake.
      assertThatThrownBy(() -> Echo.ping(web.dial("db"))).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> TlsWorld.ping(web, DB, echo.port(), "TLSv1.2"))
          .isInstanceOf(IOException.class);
      // Another service than the one that was wanted.
      webPlane.endpoints("web", FakeControlPlane.endpoint(authority, "web", echo.port()));
      assertThatThrownBy(() -> web.dial("web")).isInstanceOf(IOException.class);
      // Settings that no engine takes.
      assertThatThrownBy(() -> web.dial(DB, DialOptions.defaults().withAlpn("x".repeat(300))))
          .isInstanceOf(Exception.class);
    }
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        ServerSocket rude = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", silent.getLocalPort()));
      assertThatThrownBy(
              () -> web.dial(DB, DialOptions.defaults().withTimeout(Duration.ofMillis(200))))
          .isInstanceOf(IOException.class);
      for (String words : new String[] {"", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
        Background.run(() -> answer(rude, words));
        webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", rude.getLocalPort()));
        assertThatThrownBy(() -> web.dial("db")).isInstanceOf(IOException.class);
      }
    }
    freed(8);
  }

  private static void answer(ServerSocket server, String words) {
    try (Socket caller = server.accept()) {
      caller.getInputStream().read();
      caller.getOutputStream().write(words.getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      // The dial failed, as it should.
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofCallersThatAreSilentOrRudeOrRefused(Tls tls) throws Exception {
    start(tls);
    try (MeshServerSocket impatient =
            db.listen(
                new InetSocketAddress("127.0.0.1", 0),
                ListenOptions.defaults().withHandshakeTimeout(Duration.ofMillis(200)));
        MeshServerSocket choosy =
            db.listen(
                new InetSocketAddress("127.0.0.1", 0),
                ListenOptions.defaults().withAuthorizer(nobody()))) {
      for (String words : new String[] {"", "GET / HTTP/1.1\r\n\r\n", "\u0016\u0003\u0001"}) {
        for (boolean reset : new boolean[] {false, true}) {
          try (Socket caller =
              new Socket(InetAddress.getLoopbackAddress(), impatient.getLocalPort())) {
            caller.getOutputStream().write(words.getBytes(StandardCharsets.US_ASCII));
            if (reset) {
              caller.setSoLinger(true, 0);
            } else {
              caller.setSoTimeout(60_000);
              endsSomehow(() -> caller.getInputStream().readAllBytes());
            }
          }
        }
      }
      assertThatThrownBy(() -> Echo.ping(layered(web, DB, choosy.getLocalPort())))
          .isInstanceOf(IOException.class);
      RawPeer nameless = RawPeer.nameless(tls.security());
      assertThatThrownBy(() -> nameless.ping(choosy.getLocalPort()))
          .isInstanceOf(IOException.class);
      freed(6);
    }
  }

  private static PeerAuthorizer nobody() {
    return (peer, decision) -> false;
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofSocketsThatNobodyUsed(Tls tls) throws Exception {
    start(tls);
    try (MeshServerSocket server =
        db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults())) {
      layered(web, DB, server.getLocalPort()).close();
      Socket closed = new Socket(InetAddress.getLoopbackAddress(), server.getLocalPort());
      closed.close();
      assertThatThrownBy(() -> web.sslSocketFactory(DB).createSocket(closed, "127.0.0.1", 1, true))
          .isInstanceOf(IOException.class);
      SSLSocket never = (SSLSocket) web.socketFactory(DB, DialOptions.defaults()).createSocket();
      never.close();
      SSLSocket unclaimed = layered(web, DB, server.getLocalPort());
      unclaimed.startHandshake();
      server.close();
      endsSomehow(() -> unclaimed.getInputStream().read()); // the end, or a reset
      unclaimed.close();
      freed(4);
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofQuestionsThatOnlyAnEngineCanAnswer(Tls tls) throws Exception {
    start(tls);
    SSLSocketFactory sockets = web.sslSocketFactory(WEB);
    assertThat(sockets.getDefaultCipherSuites()).isNotEmpty();
    assertThat(sockets.getSupportedCipherSuites()).isNotEmpty();
    for (SSLContext context : new SSLContext[] {web.clientContext(DB), web.serverContext()}) {
      assertThat(context.getDefaultSSLParameters().getProtocols()).isNotEmpty();
      assertThat(context.getSupportedSSLParameters().getProtocols()).isNotEmpty();
      assertThat(context.getSocketFactory().getDefaultCipherSuites()).isNotEmpty();
    }
    assertThat(web.serverContext().getServerSocketFactory().getDefaultCipherSuites()).isNotEmpty();
    assertThat(web.serverContext().getServerSocketFactory().getSupportedCipherSuites())
        .isNotEmpty();
    freed(10);
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofAClientThatCloses(Tls tls) throws Exception {
    start(tls);
    try (Echo echo = echo()) {
      SSLSocket open = web.dial("db");
      Echo.ping(open);
      SSLSocket begun = layered(web, DB, echo.port());
      web.close();
      assertThatThrownBy(() -> Echo.ping(open)).isInstanceOf(IOException.class);
      endsSomehow(() -> Echo.ping(begun));
      begun.close();
      db.close();
      freed(3);
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void ofAServerOfBareEnginesThatIsRefusedByTheCheckOfASession(Tls tls) throws Exception {
    start(tls);
    RawPeer stranger = RawPeer.of(tls.security(), authority.issue(LeafSpec.service("other")));
    try (EngineEcho other = new EngineEcho(stranger::serverEngine)) {
      assertThatThrownBy(() -> Echo.ping(layered(web, DB, other.port())))
          .isInstanceOf(IOException.class);
      freed(1);
    }
  }
}
