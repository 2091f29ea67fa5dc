package io.meshnative.tests;

import static io.meshnative.tests.HandMadeHello.concat;
import static io.meshnative.tests.HandMadeHello.filled;
import static io.meshnative.tests.HandMadeHello.header;
import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.HANG_GUARD;
import static io.meshnative.tests.TlsWorld.open;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.tests.TlsWorld.Application;
import io.meshnative.tests.TlsWorld.Door;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * T17, T18: handshakes that no TLS library makes, at our listener, at bare engines of {@code
 * serverContext()} and at our dialling client. Time limits are the listener's; whoever drives a
 * bare engine owns its socket, and so the time that it waits.
 */
@Timeout(300)
@ExtendWith(Quiet.class)
class HandshakeAbuseTest {
  private static final int ALERT = 21;
  private static final int APPLICATION_DATA = 23;
  private static final int SIXTEEN_MEGABYTES = 0xffffff;

  private static final Map<Tls, TlsWorld> WORLDS = new EnumMap<>(Tls.class);

  @BeforeAll
  static void start() throws Exception {
    for (Tls tls : Tls.values()) {
      WORLDS.put(tls, new TlsWorld(tls, Optional.empty()));
    }
  }

  @AfterAll
  static void stop() {
    WORLDS.values().forEach(TlsWorld::close);
  }

  static Stream<Arguments> doors() {
    return Stream.of(Tls.values())
        .flatMap(tls -> Stream.of(Door.values()).map(door -> Arguments.of(tls, door)));
  }

  private static Socket connect(int port) throws IOException {
    Socket raw = new Socket(InetAddress.getLoopbackAddress(), port);
    raw.setSoTimeout((int) HANG_GUARD.toMillis());
    raw.setTcpNoDelay(true);
    return raw;
  }

  /** The type of the first record of an answer; -1 for the end, by a reset too. */
  private static int answer(Socket raw) {
    try {
      return raw.getInputStream().read();
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("the peer is still waiting", e);
    } catch (IOException e) {
      return -1;
    }
  }

  private static void stillServes(TlsWorld world, Application app) throws IOException {
    RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("web")).ping(app.port(), "TLSv1.3");
  }

  /** The hand-made hello is understood: what is refused below is refused for its own reason. */
  @ParameterizedTest
  @MethodSource("doors")
  void t18AGoodHelloMadeByHandIsAnswered(Tls tls, Door door) throws Exception {
    try (Application app = open(WORLDS.get(tls).db, door);
        Socket raw = connect(app.port())) {
      raw.getOutputStream().write(HandMadeHello.good().serverName("db.test").records());
      assertThat(answer(raw)).as("a record of the type handshake").isEqualTo(22);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t18AHelloOfSixteenMegabytesIsNotReadToItsEnd(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      try (Socket raw = connect(app.port())) {
        OutputStream out = raw.getOutputStream();
        int chunk = 16 * 1024;
        int sent = 0;
        try {
          byte[] first = {1, (byte) 0xff, (byte) 0xff, (byte) 0xff};
          out.write(concat(header(22, chunk), first, filled(chunk - first.length, 0)));
          for (sent = chunk; sent < SIXTEEN_MEGABYTES; sent += chunk) {
            out.write(concat(header(22, chunk), filled(chunk, 0)));
          }
        } catch (IOException refused) {
          // Which is the point.
        }
        assertThat(sent).isLessThan(SIXTEEN_MEGABYTES);
      }
      assertThat(app.bytes()).isZero();
      stillServes(world, app);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t18AServerNameThatIsNoneEndsTheHandshake(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      for (int length : new int[] {16_000, 60_000}) {
        try (Socket raw = connect(app.port())) {
          byte[] hello = HandMadeHello.good().serverName("a".repeat(length)).records();
          try {
            raw.getOutputStream().write(hello);
          } catch (IOException refused) {
            continue; // before it was read to its end
          }
          assertThat(answer(raw)).as("a name of " + length + " letters").isIn(ALERT, -1);
        }
      }
      assertThat(app.bytes()).isZero();
      stillServes(world, app);
    }
  }

  @ParameterizedTest
  @MethodSource("doors")
  void t18WhatIsNoTlsGetsNoMoreThanAnAlert(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    byte[][] noise = {
      "GET / HTTP/1.1\r\nHost: db\r\n\r\n".getBytes(StandardCharsets.US_ASCII),
      concat(header(22, 0xffff), filled(100, 1)), // longer than any record may be
      concat(header(APPLICATION_DATA, 16), filled(16, 1)),
      concat(header(20, 1), new byte[] {1}),
      concat(header(22, 4), new byte[] {2, 0, 0, 0}), // a ServerHello
    };
    try (Application app = open(world.db, door)) {
      for (byte[] each : noise) {
        try (Socket raw = connect(app.port())) {
          raw.getOutputStream().write(each);
          raw.shutdownOutput();
          assertThat(answer(raw)).isIn(ALERT, -1);
        }
      }
      assertThat(app.bytes()).isZero();
      stillServes(world, app);
    }
  }

  /** Each says just enough to be taken for a TLS client, and stops. */
  @ParameterizedTest
  @EnumSource(Tls.class)
  void t18AFloodOfHalfAHelloHoldsItsSlotsNoLongerThanAHandshakeMayTake(Tls tls) throws Exception {
    MeshClient db = WORLDS.get(tls).db;
    ListenOptions options =
        ListenOptions.defaults().withLimits(1000, 8).withHandshakeTimeout(Duration.ofMillis(500));
    byte[] hello = HandMadeHello.good().records();
    List<Socket> flood = new ArrayList<>();
    try (Echo echo = new Echo(db.listen(new InetSocketAddress("127.0.0.1", 0), options))) {
      for (int i = 0; i < 24; i++) {
        Socket raw = connect(echo.port());
        flood.add(raw);
        raw.getOutputStream().write(hello, 0, hello.length / 2);
      }
      try (SSLSocket honest =
          RawPeer.of(Tls.JSSE.security(), WORLDS.get(tls).plane.caIssue("web"))
              .connect(echo.port())) {
        Echo.ping(honest);
      }
      for (Socket raw : flood) {
        assertThat(answer(raw)).as("the slot was taken back").isIn(ALERT, -1);
      }
      assertThat(echo.accepted()).isEqualTo(1);
    } finally {
      for (Socket raw : flood) {
        raw.close();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void t18AHandshakeThatDripsEndsWithItsBudgetAndNotBefore(Tls tls) throws Exception {
    MeshClient db = WORLDS.get(tls).db;
    Duration budget = Duration.ofMillis(700);
    byte[] hello = HandMadeHello.good().records();
    try (Echo echo =
            new Echo(
                db.listen(
                    new InetSocketAddress("127.0.0.1", 0),
                    ListenOptions.defaults().withHandshakeTimeout(budget)));
        Socket raw = new Socket(InetAddress.getLoopbackAddress(), echo.port())) {
      long begun = System.nanoTime();
      raw.setSoTimeout(1);
      int[] at = {0};
      Awaitility.await()
          .atMost(HANG_GUARD)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> {
            try {
              raw.getOutputStream().write(hello[at[0]++ % hello.length]);
              return raw.getInputStream().read() < 0;
            } catch (java.net.SocketTimeoutException e) {
              return false; // it waits for more
            } catch (IOException e) {
              return true;
            }
          });
      assertThat(System.nanoTime() - begun)
          .isGreaterThanOrEqualTo(budget.toNanos() - TimeUnit.MILLISECONDS.toNanos(50));
      assertThat(echo.accepted()).isZero();
    }
  }

  // ---- T17 ----

  @ParameterizedTest
  @MethodSource("doors")
  void t17EarlyDataReachesNobody(Tls tls, Door door) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    try (Application app = open(world.db, door)) {
      long full = world.db.snapshot().fullHandshakes();
      try (Socket raw = connect(app.port())) {
        raw.getOutputStream()
            .write(
                concat(
                    HandMadeHello.good().earlyData().records(),
                    header(APPLICATION_DATA, 64),
                    filled(64, 'x')));
        answer(raw);
        raw.shutdownOutput();
        raw.getInputStream().readAllBytes();
      } catch (IOException reset) {
        // As good as an alert.
      }
      assertThat(app.bytes()).isZero();
      assertThat(world.db.snapshot().fullHandshakes()).isEqualTo(full);
      stillServes(world, app);
    }
  }

  /**
   * Somebody in between cut the newer version out of our hello: a server that knows it marks its
   * random (RFC 8446 §4.1.3), and our client must look.
   */
  @ParameterizedTest
  @EnumSource(Tls.class)
  void t17AServerThatWasMadeToSpeakTheOlderVersionIsNotBelieved(Tls tls) throws Exception {
    TlsWorld world = WORLDS.get(tls);
    for (boolean marked : new boolean[] {false, true}) {
      try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        CompletableFuture<Integer> alert = Background.supply(() -> downgrade(server, marked));
        Socket raw = connect(server.getLocalPort());
        try (SSLSocket socket =
            (SSLSocket)
                world
                    .web
                    .sslSocketFactory(DB)
                    .createSocket(raw, "127.0.0.1", server.getLocalPort(), true)) {
          socket.setSoTimeout((int) HANG_GUARD.toMillis());
          assertThat(socket.getEnabledProtocols()).contains("TLSv1.2", "TLSv1.3");
          assertThatThrownBy(() -> Echo.ping(socket)).isInstanceOf(IOException.class);
        }
        int found = alert.get();
        if (marked) {
          assertThat(found).as("illegal_parameter").isEqualTo(47);
        } else {
          assertThat(found).as("an unmarked ServerHello alone is no reason").isNotEqualTo(47);
        }
      }
    }
  }

  /** Answers in TLS 1.2 and tells the alert that comes back; -1 for none. */
  private static int downgrade(ServerSocket server, boolean marked) {
    try (Socket raw = server.accept()) {
      raw.setSoTimeout((int) HANG_GUARD.toMillis());
      DataInputStream in = new DataInputStream(raw.getInputStream());
      in.readNBytes(3);
      in.readNBytes(in.readUnsignedShort());
      byte[] mark = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 1};
      byte[] body =
          concat(
              new byte[] {3, 3},
              filled(24, 3),
              marked ? mark : filled(8, 3),
              new byte[] {0, (byte) 0xc0, 0x2b, 0},
              new byte[] {0, 9, (byte) 0xff, 1, 0, 1, 0, 0, 23, 0, 0});
      raw.getOutputStream()
          .write(
              concat(
                  header(22, body.length + 4),
                  new byte[] {2, 0, (byte) (body.length >> 8), (byte) body.length},
                  body));
      raw.shutdownOutput();
      byte[] answer = in.readAllBytes();
      return answer.length >= 7 && answer[0] == ALERT ? answer[6] : -1;
    } catch (IOException e) {
      return -1;
    }
  }
}
