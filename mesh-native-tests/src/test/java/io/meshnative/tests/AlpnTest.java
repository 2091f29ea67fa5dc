package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What servers agree on by ALPN. The built-in proxy of Consul 1.8.7 offers {@code h2} and nothing
 * else, and then hands on whatever its application says: a server that speaks HTTP/1.1 must take
 * the connection and look at the bytes.
 */
@Timeout(120)
class AlpnTest {
  private static final String HELLO = "GET / HTTP/1.1\r\n\r\n";

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private MeshClient db;

  private MeshClient client(String service, Tls tls) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .controlPlane(FakeControlPlane.allowingAll(authority, service))
            .tlsProvider(tls.provider())
            .build();
    client.awaitReady(Duration.ofSeconds(60));
    return client;
  }

  /** Each engine as server, and each as a caller that is none of ours. */
  static Stream<Arguments> pairs() {
    return Stream.of(Tls.values())
        .flatMap(
            server -> Stream.of(Tls.JSSE, Tls.CONSCRYPT).map(raw -> Arguments.of(server, raw)));
  }

  @AfterEach
  void close() {
    if (db != null) {
      db.close();
    }
  }

  private RawPeer caller(Tls engine) {
    return RawPeer.of(engine.security(), authority.issue(LeafSpec.service("web")));
  }

  private static void offer(SSLSocket socket, String... protocols) {
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(protocols);
    socket.setSSLParameters(parameters);
  }

  private static String agreed(SSLSocket socket) {
    String protocol = socket.getApplicationProtocol();
    return protocol == null ? "" : protocol;
  }

  private MeshServerSocket listen(Tls server, String... alpn) throws Exception {
    db = client("db", server);
    return db.listen(
        new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults().withAlpn(alpn));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void whoOffersHttp2AloneAndSpeaksHttp1IsHeard(Tls server, Tls raw) throws Exception {
    try (MeshServerSocket listener = listen(server, "http/1.1");
        SSLSocket web = caller(raw).connect(listener.getLocalPort())) {
      offer(web, "h2");
      Future<String> heard = Background.supply(() -> serve(listener));
      web.startHandshake();
      assertThat(agreed(web)).as("no agreement, and no alert").isEmpty();
      web.getOutputStream().write(HELLO.getBytes(StandardCharsets.US_ASCII));
      assertThat(heard.get(60, TimeUnit.SECONDS)).isEqualTo("" + HELLO);
      assertThat(web.getInputStream().readNBytes(1)).containsExactly('!');
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void whereBothCanTheServersFirstChoiceIsAgreedOn(Tls server, Tls raw) throws Exception {
    try (MeshServerSocket listener = listen(server, "h2", "http/1.1")) {
      for (String[] offered : List.of(new String[] {"http/1.1", "h2"}, new String[] {"http/1.1"})) {
        try (SSLSocket web = caller(raw).connect(listener.getLocalPort())) {
          offer(web, offered);
          Future<String> heard = Background.supply(() -> serve(listener));
          web.startHandshake();
          String expected = offered.length == 2 ? "h2" : "http/1.1";
          assertThat(agreed(web)).isEqualTo(expected);
          web.getOutputStream().write(HELLO.getBytes(StandardCharsets.US_ASCII));
          assertThat(heard.get(60, TimeUnit.SECONDS)).isEqualTo(expected + HELLO);
        }
      }
    }
  }

  /** JSSE tells so (RFC 7301 §3.2); BoringSSL has no way to, and agrees on nothing. */
  @ParameterizedTest
  @EnumSource
  void whoOffersSomethingElseIsRefusedByJsse(Tls raw) throws Exception {
    try (MeshServerSocket listener = listen(Tls.JSSE, "http/1.1");
        SSLSocket web = caller(raw).connect(listener.getLocalPort())) {
      offer(web, "mqtt");
      Background.run(() -> {
        try {
          listener.accept().close();
        } catch (IOException e) {
          // Closed: nobody was let in, as expected.
        }
      });
      assertThatThrownBy(web::startHandshake).isInstanceOf(IOException.class);
    }
  }

  /** By servers that took the context: they say what they speak by the parameters of an engine. */
  @ParameterizedTest
  @MethodSource("pairs")
  void aContextDoesTheSame(Tls server, Tls raw) throws Exception {
    db = client("db", server);
    SSLContext context = db.serverContext();
    try (java.net.ServerSocket listener =
            context.getServerSocketFactory().createServerSocket(0, 5, loopback());
        SSLSocket web = caller(raw).connect(listener.getLocalPort())) {
      offer(web, "h2");
      Future<String> heard =
          Background.supply(() -> {
            try (SSLSocket accepted = (SSLSocket) listener.accept()) {
              offer(accepted, "http/1.1");
              return exchange(accepted);
            } catch (IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      web.startHandshake();
      web.getOutputStream().write(HELLO.getBytes(StandardCharsets.US_ASCII));
      assertThat(heard.get(60, TimeUnit.SECONDS)).isEqualTo("" + HELLO);
    }
    SSLEngine engine = context.createSSLEngine();
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"http/1.1"});
    engine.setSSLParameters(parameters);
    assertThat(engine.getSSLParameters().getApplicationProtocols()).containsExactly("http/1.1");
    assertThat(engine.getHandshakeApplicationProtocolSelector())
        .as("none of the server's")
        .isNull();
  }

  private static java.net.InetAddress loopback() {
    return java.net.InetAddress.getLoopbackAddress();
  }

  private static String serve(MeshServerSocket listener) {
    try (Socket accepted = listener.accept()) {
      return exchange((SSLSocket) accepted);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** What was agreed on, and what was said then. */
  private static String exchange(SSLSocket accepted) throws IOException {
    byte[] bytes = accepted.getInputStream().readNBytes(HELLO.length());
    accepted.getOutputStream().write('!');
    return accepted.getApplicationProtocol() + new String(bytes, StandardCharsets.US_ASCII);
  }
}
