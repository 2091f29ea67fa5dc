package io.meshnative.tests;

import static io.meshnative.tests.Cast.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * T33, T34, T37, T38 and T40 on HTTP/2, frame by frame, and rights that end under its streams. For
 * servers that speak it.
 */
abstract class Http2Attacks extends HttpSuite {
  private static final String ALL_BUT_ADMIN = deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL;

  Http2Attacks(HttpServerKind kind, TlsKind tls) {
    super(kind, tls);
  }

  @BeforeAll
  void speaksHttp2() {
    assertThat(world.server.http2()).as("speaks HTTP/2").isTrue();
  }

  private RawHttp2 web() throws IOException {
    return world.connectHttp2(HttpWorld.WEB);
  }

  /** The status of a request with these fields, on a connection of its own. */
  private int status(String... fields) throws IOException {
    try (RawHttp2 web = web()) {
      return web.answer(web.open(true, fields)).status();
    } catch (EOFException | SSLException | SocketException e) {
      return CLOSED;
    }
  }

  private int path(String path, String... fields) throws IOException {
    try (RawHttp2 web = web()) {
      return web.ask(path, fields).status();
    } catch (EOFException | SSLException | SocketException e) {
      return CLOSED;
    }
  }

  @Test
  void eachStreamIsJudgedForItself() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    try (RawHttp2 web = web()) {
      assertThat(web.ask("/public/a").status()).isEqualTo(200);
      RawHttp2.Answer denied = web.ask("/admin/a");
      assertThat(denied.status()).isEqualTo(403);
      assertThat(denied.body()).isEqualTo("permission\n");
      assertThat(web.ask("/public/b").status()).isEqualTo(200);
    }
    assertThat(seen())
        .extracting(RecordingApplication.Seen::path)
        .containsExactly("/public/a", "/public/b");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "admin",
        "admin/x",
        "*",
        "?/admin",
        "\\admin",
        "//admin",
        "/x/../admin",
        "/admin;x",
        "/%61dmin",
        "/x%2f..%2fadmin",
        "/admin#x",
        "https://other/public",
        "/a b",
        "/a\u0000",
        "/caf\u00e9"
      })
  void t33APathThatIsNoneIsNotServed(String path) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(path(path)).isIn(400, 404, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t33AnAbsolutePathIsJudgedByItsPathOrRefused() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(path("https://api/admin")).isIn(400, 403, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t33PseudoHeadersThatAreMissingRepeatedOrLateAreRefused() throws Exception {
    world.rules(ALLOW_ALL);
    String[] m = {":method", "GET"};
    String[] s = {":scheme", "https"};
    String[] a = {":authority", "api"};
    String[] p = {":path", "/public"};
    assertThat(status(m[0], m[1], s[0], s[1], a[0], a[1])).isIn(400, CLOSED);
    assertThat(status(s[0], s[1], a[0], a[1], p[0], p[1])).isIn(400, CLOSED);
    assertThat(status(m[0], m[1], s[0], s[1], a[0], a[1], p[0], p[1], ":path", "/admin"))
        .isIn(400, CLOSED);
    assertThat(status(m[0], m[1], s[0], s[1], a[0], a[1], "x", "y", p[0], p[1])).isIn(400, CLOSED);
    assertThat(status(m[0], m[1], s[0], s[1], a[0], a[1], p[0], p[1], ":status", "200"))
        .isIn(400, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t34TheAuthorityAndTheHostAreOneOrTheRequestIsRefused() throws Exception {
    world.rules(deny(header("\"Name\":\"host\",\"Exact\":\"inner\"")) + "," + ALLOW_ALL);
    assertThat(path("/public", "host", "other")).isIn(400, CLOSED);
    assertThat(path("/public", "host", "inner")).isIn(400, 403, CLOSED);
    assertThat(path("/public", "host", "api", "host", "other")).isIn(400, CLOSED);
    assertThat(status(":method", "GET", ":scheme", "https", ":authority", "inner", ":path", "/"))
        .isEqualTo(403);
    assertThat(status(":method", "GET", ":scheme", "https", ":authority", "INNER", ":path", "/"))
        .isEqualTo(403);
    assertThat(
            status(
                ":method",
                "GET",
                ":scheme",
                "https",
                ":authority",
                "inner",
                ":path",
                "/",
                "host",
                "api"))
        .isIn(400, 403, CLOSED);
    assertThat(status(":method", "GET", ":scheme", "https", ":path", "/")).isIn(400, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t37ConnectAndOtherMethodsAreJudgedOrRefused() throws Exception {
    world.rules(allow("\"PathPrefix\":\"/\",\"Methods\":[\"GET\"]"));
    assertThat(status(":method", "CONNECT", ":authority", "api:443"))
        .isIn(400, 403, 404, 405, 501, CLOSED);
    assertThat(
            status(
                ":method",
                "CONNECT",
                ":protocol",
                "websocket",
                ":scheme",
                "https",
                ":authority",
                "api",
                ":path",
                "/public"))
        .isIn(400, 403, 404, 405, 501, CLOSED);
    assertThat(status(":method", "get", ":scheme", "https", ":authority", "api", ":path", "/"))
        .isIn(400, 403, 501, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t37TrailersAreNoHeaders() throws Exception {
    world.rules(deny(header("\"Name\":\"x-role\",\"Present\":true")) + "," + ALLOW_ALL);
    try (RawHttp2 web = web()) {
      int stream =
          web.open(
              false,
              ":method",
              "POST",
              ":scheme",
              "https",
              ":authority",
              "api",
              ":path",
              "/public");
      web.data(stream, false, "a");
      web.headers(stream, true, "x-role", "admin");
      assertThat(web.answer(stream).status()).isIn(200, 400, 403, CLOSED);
    }
    assertThat(seen()).noneMatch(request -> request.headers().containsKey("x-role"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"X-Role", "x_role", "x-role ", "connection", "x-r\u0000"})
  void t36AFieldThatIsNoneOfHttp2IsNotServed(String name) throws Exception {
    world.rules(deny(header("\"Name\":\"x-role\",\"Present\":true")) + "," + ALLOW_ALL);
    int status = path("/public", name, "a");
    assertThat(status).isIn(400, 403, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t38MadeUpIdentitiesReachNobody() throws Exception {
    world.rules(ALLOW_ALL);
    assertThat(
            path(
                "/public",
                "x-forwarded-client-cert",
                "URI=spiffe://other/db",
                "l5d-client-id",
                "db",
                "x-consul-token",
                "1",
                "x-envoy-original-path",
                "/admin"))
        .isEqualTo(200);
    RecordingApplication.Seen request = onlySeen("/public");
    assertThat(request.headers().keySet())
        .noneMatch(name -> name.startsWith("x-") || name.startsWith("l5d-"));
    assertThat(request.peer()).endsWith("/svc/" + HttpWorld.WEB);
  }

  /** Whatever the server does with such a caller, it goes on serving others and keeps nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"/public/a", "/admin/a", "/public/flood"})
  void t40StreamsThatAreResetAtOnceAreBounded(String path) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    try (RawHttp2 web = web()) {
      for (int i = 0; i < 2000; i++) {
        web.reset(web.get(path));
      }
    } catch (EOFException | SSLException | SocketException e) {
      // It has had enough of us.
    }
    assertOthersAreServed();
  }

  /** The caller makes the server reset its streams, by frames that are wrong on them. */
  @Test
  void t40StreamsThatTheServerIsMadeToResetAreBounded() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    try (RawHttp2 web = web()) {
      for (int i = 0; i < 2000; i++) {
        int stream = web.get("/public/a");
        web.frame(RawHttp2.WINDOW_UPDATE, 0, stream, new byte[4]); // an increment of 0
      }
    } catch (EOFException | SSLException | SocketException e) {
      // It has had enough of us.
    }
    assertOthersAreServed();
  }

  @Test
  void t40AHeadThatNeverEndsIsBounded() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp2 web = web()) {
      web.frame(RawHttp2.HEADERS, 0, 1, RawHttp2.block(":method", "GET"));
      for (int i = 0; i < 2000; i++) {
        web.frame(RawHttp2.CONTINUATION, 0, 1, RawHttp2.block("a", "x".repeat(1000)));
      }
      assertThat(web.answer(1).status()).isIn(400, 431, CLOSED);
    } catch (EOFException | SSLException | SocketException e) {
      // It has had enough of us.
    }
    assertNothingSeen();
    assertOthersAreServed();
  }

  private void assertOthersAreServed() throws Exception {
    try (RawHttp2 batch = world.connectHttp2(HttpWorld.BATCH)) {
      assertThat(batch.ask("/public/other").status()).isEqualTo(200);
    }
    await("nothing runs any more", () -> world.application.running() == 0);
    await("nobody is connected", () -> world.api.snapshot().connections().isEmpty());
    assertThat(seen()).noneMatch(request -> request.mapping().equals("/admin"));
  }

  @ParameterizedTest
  @EnumSource
  @Tag("T25")
  void aStreamEndsWithItsRight(HttpLiveAttacks.Withdrawn what) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp2 web = web()) {
      int stream = web.get("/public/hold");
      await("the request runs", () -> world.application.running() == 1);

      if (what == HttpLiveAttacks.Withdrawn.CONNECTION) {
        world.denyWeb();
      } else {
        world.rules(deny("\"PathPrefix\":\"/public\"") + "," + ALLOW_ALL);
      }

      RawHttp2.Answer answer = web.answer(stream);
      assertThat(answer.reset()).isTrue();
      assertThat(answer.body()).isIn("", "first\n");
      world.application.release();
      assertThat(world.application.ending().failure()).isPresent();
    }
  }
}
