package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A caller that is refused after the handshake, when the engines have no alert left to send, meets
 * a failure: never an end of data that it could take for an answer.
 */
@Timeout(120)
class LateRefusalTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();

  static Stream<Arguments> cells() {
    return Stream.of(Tls.values())
        .flatMap(server ->
            Stream.of("TLSv1.3", "TLSv1.2").map(version -> Arguments.of(server, version)));
  }

  private MeshClient client(String service, Tls tls) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .controlPlane(FakeControlPlane.allowingAll(authority, service))
            .tlsProvider(tls.provider())
            .tls12(true, true)
            .build();
    client.awaitReady(Duration.ofSeconds(60));
    return client;
  }

  /** A listener whose own authorizer, which is asked last, lets nobody in. */
  private static MeshServerSocket refusing(MeshClient db) throws IOException {
    return db.listen(
        new InetSocketAddress("127.0.0.1", 0),
        ListenOptions.defaults().withAuthorizer((peer, decision) -> false));
  }

  @ParameterizedTest
  @MethodSource("cells")
  void ourCallerIsToldThatItWasRefused(Tls tls, String version) throws Exception {
    for (Tls ours : Tls.values()) {
      try (MeshClient db = client("db", tls);
          MeshClient web = client("web", ours);
          MeshServerSocket server = refusing(db)) {
        Socket raw = new Socket("127.0.0.1", server.getLocalPort());
        try (SSLSocket socket =
            (SSLSocket)
                web.sslSocketFactory(Destination.parse("db"))
                    .createSocket(raw, "127.0.0.1", server.getLocalPort(), true)) {
          socket.setEnabledProtocols(new String[] {version});
          // In TLS 1.2 the server has the last word of the handshake, in TLS 1.3 the client.
          assertThatThrownBy(() -> socket.getInputStream().read())
              .isInstanceOf(PeerRefusedException.class)
              .hasMessageContaining("intentions");
        }
        TlsWorld.await(() -> TlsWorld.lastDenial(db).contains("authorizer"));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
  void anyOtherCallerMeetsAFailureAndNoEndOfData(Tls tls, String version) throws Exception {
    try (MeshClient db = client("db", tls);
        MeshServerSocket server = refusing(db)) {
      RawPeer web = RawPeer.of(Tls.JSSE.security(), authority.issue(LeafSpec.service("web")));
      try (SSLSocket socket = web.connect(server.getLocalPort(), version)) {
        assertThatThrownBy(
                () -> {
                  socket.startHandshake();
                  int read = socket.getInputStream().read();
                  assertThat(read).as("an end of data").isNotEqualTo(-1);
                })
            .isInstanceOf(IOException.class);
      }
    }
  }
}
