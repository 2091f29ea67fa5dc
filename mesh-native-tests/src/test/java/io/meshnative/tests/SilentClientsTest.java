package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients that connect and say nothing, or not enough. */
@Timeout(120)
@Tag("T18")
class SilentClientsTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

  /** So long that only a dropped client can make room within the test. */
  private static final Duration PATIENT = Duration.ofMinutes(10);

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");

  private static Socket silent(int port) throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port);
  }

  private static void closeAll(List<Socket> sockets) throws IOException {
    for (Socket socket : sockets) {
      socket.close();
    }
  }

  @Test
  void aThousandSilentClientsDoNotKeepAnHonestOneOut() throws Exception {
    List<Socket> silent = new ArrayList<>();
    ListenOptions options =
        ListenOptions.defaults().withBacklog(4096).withHandshakeTimeout(PATIENT);
    try (MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
        MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, options))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      for (int i = 0; i < 1000; i++) {
        silent.add(silent(echo.port()));
      }
      try (SSLSocket honest =
          web.dial(
              io.meshnative.discovery.Destination.parse("db"),
              io.meshnative.DialOptions.defaults().withTimeout(Duration.ofSeconds(60)))) {
        Echo.ping(honest);
      }
    } finally {
      closeAll(silent);
    }
  }

  @Test
  void aSilentClientKeepsItsPlaceWhileNobodyElseWantsIt() throws Exception {
    ListenOptions options =
        ListenOptions.defaults().withLimits(10, 1).withHandshakeTimeout(PATIENT);
    try (MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, options));
        Socket slow = silent(echo.port())) {
      slow.setSoTimeout(1000);
      org.assertj.core.api.Assertions.assertThatThrownBy(() -> slow.getInputStream().read())
          .isInstanceOf(java.net.SocketTimeoutException.class);
    }
  }

  @Test
  void aClientThatHasBegunToSpeakIsNotDroppedForASilentOne() throws Exception {
    ListenOptions options =
        ListenOptions.defaults().withLimits(10, 2).withHandshakeTimeout(PATIENT);
    try (MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, options));
        Socket speaking = silent(echo.port());
        Socket silent = silent(echo.port())) {
      speaking.getOutputStream().write(22); // the first byte of a ClientHello
      try (Socket newcomer = silent(echo.port())) {
        silent.setSoTimeout(30_000);
        assertThat(silent.getInputStream().read()).isEqualTo(-1);
        speaking.setSoTimeout(500);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> speaking.getInputStream().read())
            .isInstanceOf(java.net.SocketTimeoutException.class);
        assertThat(newcomer.isConnected()).isTrue();
      }
    }
  }

  @Test
  void everyPlaceIsGivenBackHoweverAHandshakeEnds() throws Exception {
    ListenOptions options = ListenOptions.defaults().withLimits(2, 1).withHandshakeTimeout(PATIENT);
    try (MeshClient web = MeshClient.builder("web").controlPlane(webPlane).build();
        MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        Echo echo = new Echo(db.listen(ANY_PORT, options))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      for (int round = 0; round < 20; round++) {
        try (Socket gone = silent(echo.port())) {
          assertThat(gone.isConnected()).isTrue(); // and away again
        }
        try (Socket noise = silent(echo.port())) {
          noise
              .getOutputStream()
              .write("GET / HTTP/1.1\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
          noise.getInputStream().read();
        } catch (IOException e) {
          // Reset, which is as good an answer as an alert.
        }
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .ignoreExceptions()
            .untilAsserted(() -> {
              try (SSLSocket honest = web.dial("db")) {
                Echo.ping(honest);
              }
            });
      }
    }
  }
}
