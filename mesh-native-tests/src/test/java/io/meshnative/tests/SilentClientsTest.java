package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.DialOptions;
import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  private MeshClient client(String service, String provider, FakeControlPlane plane) {
    return Engines.builder(service, provider).controlPlane(plane).build();
  }

  private static SSLSocket patient(MeshClient web) throws IOException {
    return web.dial(
        Destination.parse("db"), DialOptions.defaults().withTimeout(Duration.ofSeconds(60)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  void aThousandSilentClientsDoNotKeepAnHonestOneOut(String provider) throws Exception {
    List<Socket> silent = new ArrayList<>();
    ListenOptions options =
        ListenOptions.defaults().withBacklog(4096).withHandshakeTimeout(PATIENT);
    try (MeshClient web = client("web", provider, webPlane);
        MeshClient db = client("db", provider, dbPlane);
        Echo echo = new Echo(db.listen(ANY_PORT, options))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      for (int i = 0; i < 1000; i++) {
        silent.add(silent(echo.port()));
      }
      try (SSLSocket honest = patient(web)) {
        Echo.ping(honest);
      }
    } finally {
      closeAll(silent);
    }
  }

  /** The first flight of a client that speaks TLS 1.3, and whose answer never comes. */
  private static byte[] clientHello() throws Exception {
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    engine.setUseClientMode(true);
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), hello);
    return Arrays.copyOf(hello.array(), hello.position());
  }

  /** More than twice as many as there are places, and each of them patient for ten minutes. */
  @ParameterizedTest
  @ValueSource(strings = {"Conscrypt", "JSSE"})
  void clientsThatStallInTheirHandshakeDoNotKeepAnHonestOneOut(String provider) throws Exception {
    byte[] hello = clientHello();
    List<Socket> stalled = new ArrayList<>();
    ListenOptions options =
        ListenOptions.defaults()
            .withBacklog(4096)
            .withLimits(1000, 60)
            .withHandshakeTimeout(PATIENT);
    try (MeshClient web = client("web", provider, webPlane);
        MeshClient db = client("db", provider, dbPlane);
        Echo echo = new Echo(db.listen(ANY_PORT, options))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      List<Socket> dripping = new ArrayList<>();
      for (int i = 0; i < 150; i++) {
        Socket socket = silent(echo.port());
        stalled.add(socket);
        int said =
            switch (i % 3) {
              case 0 -> 1;
              case 1 -> hello.length / 2;
              default -> hello.length; // then it owes its certificate
            };
        socket.getOutputStream().write(hello, 0, said);
        if (i % 3 == 0) {
          dripping.add(socket);
        }
      }
      AtomicBoolean over = new AtomicBoolean();
      CompletableFuture<Void> drips = Background.run(() -> drip(dripping, hello, over));
      try (SSLSocket honest = patient(web)) {
        Echo.ping(honest);
      } finally {
        over.set(true);
        drips.join();
      }
      assertThat(echo.accepted()).isEqualTo(1);
    } finally {
      closeAll(stalled);
    }
  }

  /** One more byte of the hello from each, again and again: they never fall silent. */
  private static void drip(List<Socket> sockets, byte[] hello, AtomicBoolean over) {
    for (int at = 1; at < hello.length && !over.get(); at++) {
      for (Socket socket : sockets) {
        try {
          socket.getOutputStream().write(hello[at]);
        } catch (IOException e) {
          // It has lost its place.
        }
      }
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
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
