package io.meshnative.tests;

import static io.meshnative.tests.Cast.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Policy and certificates that change under an HTTP server's connections and requests, and callers
 * that leave. A server has these on every TLS engine; see {@link HttpAttacks}.
 */
abstract class HttpLiveAttacks extends HttpSuite {
  /** How a right can end. */
  enum Withdrawn {
    /** A permission of the layer-7 intention says deny. */
    REQUEST,
    /** An intention denies the caller altogether. */
    CONNECTION
  }

  HttpLiveAttacks(HttpServerKind kind, TlsKind tls) {
    super(kind, tls);
  }

  private void withdraw(Withdrawn what) throws Exception {
    if (what == Withdrawn.CONNECTION) {
      world.denyWeb();
    } else {
      world.rules(deny("\"PathPrefix\":\"/public\"") + "," + ALLOW_ALL);
    }
  }

  /** Asks on a connection; the status, or that the connection has ended. */
  private static int ask(RawHttp connection, String target) throws IOException {
    return status(connection, "GET " + target + " HTTP/1.1\r\nHost: api\r\n\r\n");
  }

  // ---- who gets in ----

  @Test
  void whoIsDeniedOrNamelessReachesNothing() throws Exception {
    try (RawHttp stranger = world.connect(HttpWorld.STRANGER)) {
      assertThat(ask(stranger, "/public")).isEqualTo(CLOSED);
    }
    RawPeer nameless = RawPeer.nameless(TlsWorld.Tls.JSSE.security());
    try (RawHttp nobody = new RawHttp(nameless.connect(world.server.port()))) {
      assertThat(ask(nobody, "/public")).isEqualTo(CLOSED);
    }
    try (Socket plain = new Socket("127.0.0.1", world.server.port())) {
      plain.setSoTimeout((int) Cast.GUARD.toMillis());
      plain.getOutputStream().write("GET /public HTTP/1.1\r\nHost: api\r\n\r\n".getBytes());
      byte[] answer = plain.getInputStream().readAllBytes();
      assertThat(new String(answer, java.nio.charset.StandardCharsets.ISO_8859_1))
          .doesNotContain("200");
    } catch (SocketException e) {
      // A reset says the same.
    }
    assertNothingSeen();
  }

  @Test
  void whoMayCallAtLayer4MayCallEverything() throws Exception {
    try (RawHttp batch = world.connect(HttpWorld.BATCH)) {
      assertThat(batch.ask("GET", "/admin/a").status()).isEqualTo(200);
      assertThat(batch.ask("DELETE", "/b").status()).isEqualTo(200);
    }
    assertThat(seen())
        .extracting(RecordingApplication.Seen::mapping)
        .containsExactly("/admin", "/");
    assertThat(seen()).allMatch(request -> request.peer().endsWith("/svc/" + HttpWorld.BATCH));
  }

  @Test
  void silentCallersKeepNobodyElseWaiting() throws Exception {
    world.rules(ALLOW_ALL);
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 48; i++) {
        Socket socket = new Socket("127.0.0.1", world.server.port());
        silent.add(socket);
        if (i % 2 == 0) {
          socket.getOutputStream().write(0x16); // the first byte of a handshake, and no more
        }
      }
      assertThat(get("/public")).isEqualTo(200);
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  // ---- connections that stay ----

  @Test
  void aKeptConnectionIsJudgedByThePolicyOfEachMoment() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      for (int round = 0; round < 3; round++) {
        assertThat(web.ask("GET", "/public").status()).isEqualTo(200);
        // Its answer may be here before the server is done with it: one that runs would be ended.
        assertThat(web.ask("GET", "/other").status()).isEqualTo(200);
        withdraw(Withdrawn.REQUEST);
        assertThat(web.ask("GET", "/public").status()).isEqualTo(403);
        assertThat(web.ask("GET", "/other").status()).isEqualTo(200);
        world.rules(ALLOW_ALL);
      }
    }
    assertThat(seen()).hasSize(9);
  }

  @Test
  @Tag("T25")
  void aKeptConnectionOfWhoIsDeniedCarriesNothingMore() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB);
        RawHttp batch = world.connect(HttpWorld.BATCH)) {
      assertThat(web.ask("GET", "/public").status()).isEqualTo(200);
      assertThat(batch.ask("GET", "/public").status()).isEqualTo(200);
      world.application.forget();
      withdraw(Withdrawn.CONNECTION);

      assertThat(ask(web, "/public")).isIn(CLOSED, 403);

      assertNothingSeen();
      assertThat(get("/public")).isEqualTo(CLOSED);
      assertNothingSeen();
      assertThat(batch.ask("GET", "/public").status()).isEqualTo(200);
      world.rules(ALLOW_ALL);
      assertThat(get("/public")).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.3", "TLSv1.2"})
  @Tag("T10")
  void aSessionThatIsResumedBringsNoRightWithIt(String version) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB, version)) {
      assertThat(web.ask("GET", "/public").status()).isEqualTo(200);
    }
    long resumed = world.api.snapshot().resumedHandshakes();
    withdraw(Withdrawn.REQUEST);
    try (RawHttp web = world.connect(HttpWorld.WEB, version)) {
      assertThat(web.ask("GET", "/public").status()).isEqualTo(403);
      assertThat(web.ask("GET", "/other").status()).isEqualTo(200);
    }
    assertThat(world.api.snapshot().resumedHandshakes())
        .as("TLS itself resumed")
        .isGreaterThan(resumed);
    world.application.forget();
    withdraw(Withdrawn.CONNECTION);
    try (RawHttp web = world.connect(HttpWorld.WEB, version)) {
      assertThat(ask(web, "/public")).isEqualTo(CLOSED);
    }
    assertNothingSeen();
  }

  // ---- requests that run ----

  @ParameterizedTest
  @EnumSource
  @Tag("T25")
  void aResponseEndsWithItsRightAndNeverLooksComplete(Withdrawn what) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.request("GET", "/public/hold");
      assertThat(web.status()).isEqualTo(200);
      assertThat(web.headers().get("transfer-encoding")).containsExactly("chunked");
      assertThat(web.chunk()).isEqualTo("first\n");

      withdraw(what);

      assertThat(web.rest()).as("what came after the right had ended").isEmpty();
      world.application.release();
      assertThat(world.application.ending().failure()).isPresent();
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("T25")
  void aResponseThatNobodyReadsEndsWithItsRight(Withdrawn what) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.request("GET", "/public/flood");
      assertThat(web.status()).isEqualTo(200);

      withdraw(what);

      assertThat(world.application.ending().failure()).isPresent();
    }
  }

  @ParameterizedTest
  @EnumSource
  @Tag("T25")
  void anUploadEndsWithItsRight(Withdrawn what) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("POST /public/upload HTTP/1.1\r\nHost: api\r\nContent-Length: 1000\r\n\r\nbegin");
      await("the upload runs", () -> !seen().isEmpty());

      withdraw(what);

      RecordingApplication.Ending ending = world.application.ending();
      assertThat(ending.failure()).isPresent();
      assertThat(ending.bytes()).isLessThanOrEqualTo(5);
      assertThat(web.rest()).doesNotContain("200");
    }
  }

  @Test
  @Tag("T25")
  void whatRunsForOthersGoesOn() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB);
        RawHttp batch = world.connect(HttpWorld.BATCH)) {
      batch.request("GET", "/public/hold");
      assertThat(batch.status()).isEqualTo(200);
      assertThat(web.ask("GET", "/public").status()).isEqualTo(200);

      withdraw(Withdrawn.REQUEST);
      withdraw(Withdrawn.CONNECTION);

      world.application.release();
      assertThat(world.application.ending().failure()).isEmpty();
      batch.headers();
      assertThat(batch.chunk() + batch.chunk() + batch.chunk()).isEqualTo("first\nsecond\n");
      assertThat(batch.ask("GET", "/public").status()).isEqualTo(200);
    }
  }

  // ---- certificates that change ----

  @Test
  void aRotationEndsNoRequestAndNoConnectionUntilTheOldRootGoes() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp old = world.connect(HttpWorld.WEB)) {
      old.request("GET", "/public/hold");
      assertThat(old.status()).isEqualTo(200);

      world.rotate();

      world.application.release();
      assertThat(world.application.ending().failure()).isEmpty();
      old.headers();
      assertThat(old.chunk() + old.chunk() + old.chunk()).isEqualTo("first\nsecond\n");
      assertThat(old.ask("GET", "/public").status()).isEqualTo(200);
      assertThat(get("/public")).isEqualTo(200);
      world.application.forget();

      world.removeOldRoots();

      assertThat(ask(old, "/public")).isEqualTo(CLOSED);
      assertNothingSeen();
      assertThat(get("/public")).as("with a certificate of the old root").isEqualTo(CLOSED);
      world.renewCallers();
      assertThat(get("/public")).isEqualTo(200);
    }
  }

  // ---- what is left behind ----

  @Test
  void aConnectionThatEndedIsNoLiveConnectionAnyMore() throws Exception {
    world.rules(ALLOW_ALL);
    assertThat(get("/public")).isEqualTo(200);
    assertThat(get("/a;b")).isEqualTo(400);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.request("GET", "/public/flood");
      assertThat(web.status()).isEqualTo(200);
    }
    try {
      assertThat(world.application.ending().failure()).isPresent();
    } finally {
      await(
          "no connection of a caller that left",
          () -> world.api.snapshot().connections().isEmpty());
    }
    assertThat(world.application.running()).isZero();
  }

  @Test
  @Tag("T40")
  void callersWhoLeaveInTheMiddleLeaveNothingBehind() throws Exception {
    world.rules(ALLOW_ALL);
    for (int i = 0; i < 60; i++) {
      try (RawHttp web = world.connect(HttpWorld.WEB)) {
        switch (i % 4) {
          case 0 -> web.send("GET /public HT");
          case 1 -> web.send("POST /public HTTP/1.1\r\nHost: api\r\nContent-Length: 9\r\n\r\nab");
          case 2 -> web.request("GET", "/public/flood");
          default -> web.request("GET", "/public");
        }
      } catch (EOFException | SocketException | SSLException e) {
        // It may be faster than we are.
      }
    }
    await("nothing runs any more", () -> world.application.running() == 0);
    await("nobody is connected", () -> world.api.snapshot().connections().isEmpty());
    assertThat(get("/public")).isEqualTo(200);
  }
}
