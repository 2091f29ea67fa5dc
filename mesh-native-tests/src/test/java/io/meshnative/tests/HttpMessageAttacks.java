package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** T35 to T39: headers, methods, made-up identities, and where a message ends. */
abstract class HttpMessageAttacks extends HttpTargetAttacks {
  private static final String NO_ROLE =
      deny(header("\"Name\":\"x-role\",\"Present\":true")) + "," + ALLOW_ALL;

  /** What a smuggler hides in the body of something harmless. */
  private static final String HIDDEN = "GET /admin/hidden HTTP/1.1\r\nHost: api\r\n\r\n";

  HttpMessageAttacks(HttpServerKind kind, TlsKind tls) {
    super(kind, tls);
  }

  @Test
  void t35ADenyHoldsForAnyLineOfARepeatedHeader() throws Exception {
    world.rules(deny(header("\"Name\":\"x-role\",\"Exact\":\"admin\"")) + "," + ALLOW_ALL);
    assertThat(get("/", "x-role: admin")).isEqualTo(403);
    assertThat(get("/", "x-role: user", "x-role: admin")).isEqualTo(403);
    assertThat(get("/", "x-role: admin", "x-role: user")).isEqualTo(403);
    assertThat(get("/", "X-ROLE: user", "x-Role: admin ")).isEqualTo(403);
    assertNothingSeen();
    assertThat(get("/", "x-role: user", "x-role: guest")).isEqualTo(200);
    assertThat(onlySeen("/").headers().get("x-role")).containsExactly("user", "guest");
  }

  @Test
  void t35AnAllowHoldsForEachLineOfARepeatedHeaderOrNotAtAll() throws Exception {
    world.rules(allow(header("\"Name\":\"x-role\",\"Exact\":\"user\"")));
    assertThat(get("/", "x-role: user", "x-role: admin")).isEqualTo(403);
    assertThat(get("/", "x-role: user,admin")).isEqualTo(403);
    assertThat(get("/", "x-role: user", "x-role: user")).isEqualTo(403); // joined it is another
    assertNothingSeen();
    assertThat(get("/", "x-role: user")).isEqualTo(200);
    world.rules(allow(header("\"Name\":\"x-role\",\"Present\":true,\"Invert\":true")));
    assertThat(get("/", "x-role: ")).isEqualTo(403);
    assertThat(get("/")).isEqualTo(200);
    assertThat(seen()).hasSize(2);
  }

  /** Whoever gets a header through in another spelling than the rule's gets it to nobody. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "x-role: a",
        "X-Role:a",
        "x-role:",
        "x_role: a",
        "x-role : a",
        "x-role\t: a",
        " x-role: a",
        "a: b\r\n x-role: c",
        "a: b\rx-role: c",
        "a: b\nx-role: c",
        "a: b\r\n\tx-role: c",
        "x-role\u0000: a",
        "a: b\u0000\r\nx-role: c",
        "x-r\u00f6le: a",
        "x-role\u00a0: a",
        ": x-role",
        "x-role",
        "x role: a"
      })
  void t36AHeaderInAnotherSpellingGetsAroundNoRule(String lines) throws Exception {
    world.rules(NO_ROLE);
    int status = get("/public", lines);
    assertThat(status).isIn(200, 400, 403, CLOSED);
    if (status != 200) {
      assertNothingSeen();
      return;
    }
    Map<String, List<String>> headers = onlySeen("/public").headers();
    assertThat(headers.keySet()).allMatch(name -> name.matches("host|a"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"x_role: a", "a: \u0000b", "a: b\u0007c", "a: \u00e9", "a: \u007f", "a\u0001: b"})
  void t36AHeaderThatIsReadInSeveralWaysIsRefused(String line) throws Exception {
    world.rules(ALLOW_ALL);
    int status = get("/public", line);
    assertThat(status).isIn(200, 400, CLOSED);
    if (status != 200) {
      assertNothingSeen();
      return;
    }
    // The JDK's server takes controls around a value for blanks, before anybody is asked.
    Map<String, List<String>> headers = onlySeen("/public").headers();
    assertThat(headers.keySet()).containsExactlyInAnyOrder("a", "host");
    assertThat(headers.get("a")).containsExactly("b");
  }

  @Test
  void t37TheMethodIsThatOfTheRequestLineInItsLetterCase() throws Exception {
    world.rules(allow("\"PathPrefix\":\"/\",\"Methods\":[\"GET\"]"));
    assertThat(status("get / HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(400, 403, 501, CLOSED);
    assertThat(status("Get / HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(400, 403, 501, CLOSED);
    assertThat(status("FOO / HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(400, 403, 501, CLOSED);
    assertThat(status("G\u0000ET / HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(400, 403, 501, CLOSED);
    assertThat(get("/", "X-HTTP-Method-Override: GET")).isEqualTo(200);
    assertThat(
            status(
                "POST / HTTP/1.1\r\nHost: api\r\nX-HTTP-Method-Override: GET\r\n"
                    + "X-HTTP-Method: GET\r\nX-Method-Override: GET\r\nContent-Length: 0\r\n\r\n"))
        .isEqualTo(403);
    assertThat(seen()).extracting(RecordingApplication.Seen::method).containsExactly("GET");
  }

  @Test
  void t37HeadIsAMethodOfItsOwn() throws Exception {
    world.rules(allow("\"PathPrefix\":\"/\",\"Methods\":[\"GET\"]"));
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      RawHttp.Answer denied = web.ask("HEAD", "/");
      assertThat(denied.status()).isEqualTo(403);
      assertThat(denied.header("mesh-refusal")).isEqualTo("default");
      assertNothingSeen();
      world.rules(allow("\"PathPrefix\":\"/\",\"Methods\":[\"HEAD\"]"));
      assertThat(web.ask("HEAD", "/").status()).isEqualTo(200);
      assertThat(onlySeen("/").method()).isEqualTo("HEAD");
      assertThat(web.ask("GET", "/").status()).isEqualTo(403);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"api:443", "api", "/", "https://api/"})
  void t37AServiceIsNoTunnel(String target) throws Exception {
    world.rules(allow("\"PathPrefix\":\"/\",\"Methods\":[\"GET\"]"));
    assertThat(status("CONNECT " + target + " HTTP/1.1\r\nHost: api\r\n\r\n" + HIDDEN))
        .isIn(400, 403, 404, 405, 501, CLOSED);
    assertThat(seen()).extracting(RecordingApplication.Seen::method).doesNotContain("CONNECT");
  }

  @Test
  void t37AnUpgradeThatNobodyJudgedIsNotDone() throws Exception {
    world.rules(deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL);
    String[] http2 = {
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"
    };
    assertThat(get("/admin", http2)).isEqualTo(403);
    assertThat(get("/public", http2)).isNotEqualTo(101);
    String[] socket = {
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    };
    assertThat(get("/admin", socket)).isEqualTo(403);
    assertThat(status("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).isIn(400, 403, 404, 505, CLOSED);
    assertThat(seen()).noneMatch(request -> request.mapping().equals("/admin"));
  }

  @Test
  void t37TrailersAreNoHeaders() throws Exception {
    world.rules(NO_ROLE);
    int status =
        status(
            "POST /public HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\nTrailer: x-role\r\n"
                + "\r\n1\r\na\r\n0\r\nx-role: admin\r\nHost: other\r\n\r\n");
    assertThat(status).isIn(200, 400, 403, CLOSED);
    assertThat(seen())
        .allSatisfy(request -> {
          assertThat(request.headers()).doesNotContainKey("x-role");
          assertThat(request.headers().get("host")).containsExactly("api");
        });
  }

  @Test
  void t37WhoAsksBeforeSendingGetsNoBodyThroughToADeniedPath() throws Exception {
    world.rules(deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL);
    String expect = " HTTP/1.1\r\nHost: api\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("POST /admin" + expect).send("hello");
      assertThat(web.read().status()).isEqualTo(403);
    }
    assertNothingSeen();
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("POST /public" + expect).send("hello");
      assertThat(web.read().status()).isEqualTo(200);
    }
    assertThat(onlySeen("/public").body()).isEqualTo("hello");
  }

  @Test
  void t38MadeUpIdentitiesReachNobodyAndThePeerIsWhoItIs() throws Exception {
    world.rules(ALLOW_ALL);
    assertThat(
            get(
                "/public",
                "x-forwarded-client-cert: URI=spiffe://other/ns/default/dc/dc1/svc/db",
                "X-Forwarded-Client-Cert: By=spiffe://x;URI=spiffe://y",
                "x-consul-token: 1",
                "X-Consul-Namespace: other",
                "l5d-client-id: db.default.serviceaccount.identity.linkerd.cluster.local",
                "x-envoy-external-address: 10.0.0.1",
                "x-envoy-original-path: /admin",
                "Client-Cert: :MIIB:",
                "X-SSL-Client-S-DN: CN=db",
                "x-spiffe-id: spiffe://other/db",
                "x-request-id: 7"))
        .isEqualTo(200);
    RecordingApplication.Seen request = onlySeen("/public");
    assertThat(request.headers()).containsOnlyKeys("host", "x-request-id");
    String id = "spiffe://" + world.plane.trustDomain() + "/ns/default/dc/dc1/svc/" + HttpWorld.WEB;
    assertThat(request.peer()).isEqualTo(id);
    assertThat(request.principal()).isEqualTo(id);
  }

  @Test
  void t38ARuleIsNotMetByAHeaderThatTheApplicationDoesNotSee() throws Exception {
    world.rules(allow(header("\"Name\":\"x-consul-role\",\"Exact\":\"admin\"")));
    assertThat(get("/public", "x-consul-role: admin")).isEqualTo(403);
    assertNothingSeen();
  }

  /** The connection ends, and nothing of what follows is a request. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "Content-Length: 0, 44\r\n\r\n",
        "Content-Length: +0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 0x0\r\n\r\n",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"
      })
  void t39AMessageWhoseEndIsDisputedEndsTheConnection(String rest) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("POST /public HTTP/1.1\r\nHost: api\r\n" + rest + HIDDEN);
      web.rest();
    }
    assertThat(seen()).noneMatch(request -> request.path().startsWith("/admin"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET /public\r\n\r\n",
        "GET /public HTTP/2.0\r\nHost: api\r\n\r\n",
        "GET /public HTTP/1.1x\r\nHost: api\r\n\r\n",
        "GET\u0000/public HTTP/1.1\r\nHost: api\r\n\r\n",
        "\u0000GET /public HTTP/1.1\r\nHost: api\r\n\r\n",
        "GET /pub\u0001lic HTTP/1.1\r\nHost: api\r\n\r\n",
        "GET /pub\u00e9lic HTTP/1.1\r\nHost: api\r\n\r\n"
      })
  void t39AMalformedRequestLineEndsTheConnection(String raw) throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send(raw + HIDDEN);
      web.rest();
    }
    assertThat(seen()).noneMatch(request -> request.path().startsWith("/admin"));
  }

  /** Jetty takes a version in small letters, Tomcat takes a tab for a blank (RFC 9112 §3). */
  @ParameterizedTest
  @ValueSource(strings = {"/public http/1.1", "/public\tHTTP/1.1"})
  void t39WhatStandsBehindALineThatIsReadLenientlyIsJudgedForItself(String rest) throws Exception {
    world.rules(deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("GET " + rest + "\r\nHost: api\r\n\r\n");
      web.send("GET /admin/hidden HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n");
      web.rest();
    }
    assertThat(seen()).noneMatch(request -> request.path().startsWith("/admin"));
  }

  /** The JDK's server looks at the first two words of the line and at the last one. */
  @Test
  void t39MoreWordsInARequestLineAreNoOtherRequest() throws Exception {
    world.rules(allow("\"PathExact\":\"/public\""));
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      int status = status(web, "GET /public /admin HTTP/1.1\r\nHost: api\r\n\r\n" + HIDDEN);
      assertThat(status).isIn(200, 400, CLOSED);
      assertThat(status(web, HIDDEN)).isIn(403, CLOSED);
    }
    assertThat(seen()).allMatch(request -> request.path().equals("/public"));
  }

  @Test
  void t39WhatIsPipelinedBehindADeniedRequestIsJudgedForItself() throws Exception {
    world.rules(deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send(
          "GET /admin/a HTTP/1.1\r\nHost: api\r\n\r\n"
              + "GET /public/b HTTP/1.1\r\nHost: api\r\n\r\n"
              + "GET /admin/c HTTP/1.1\r\nHost: api\r\n\r\n"
              + "GET /public/d HTTP/1.1\r\nHost: api\r\n\r\n");
      assertThat(List.of(web.read().status(), web.read().status())).containsExactly(403, 200);
      assertThat(List.of(web.read().status(), web.read().status())).containsExactly(403, 200);
    }
    assertThat(seen())
        .extracting(RecordingApplication.Seen::path)
        .containsExactly("/public/b", "/public/d");
  }

  @Test
  void t39TheBodyOfADeniedRequestIsNotTheNextRequest() throws Exception {
    world.rules(deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      String body = "GET /public/hidden HTTP/1.1\r\nHost: api\r\n\r\n";
      web.send(
          "POST /admin HTTP/1.1\r\nHost: api\r\nContent-Length: " + body.length() + "\r\n\r\n");
      web.send(body);
      assertThat(web.read().status()).isEqualTo(403);
      try {
        assertThat(web.ask("GET", "/public/next").status()).isEqualTo(200);
      } catch (EOFException | java.net.SocketException | javax.net.ssl.SSLException e) {
        // It may close instead of reading what nobody wants.
      }
    }
    assertThat(seen()).noneMatch(request -> request.path().contains("hidden"));
  }

  @Test
  void t39WhatIsPipelinedBehindAMalformedRequestIsNotServed() throws Exception {
    world.rules(ALLOW_ALL);
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      web.send("GET /a;b HTTP/1.1\r\nHost: api\r\n\r\n" + HIDDEN);
      assertThat(web.read().status()).isEqualTo(400);
      assertThat(web.rest()).isEmpty();
    }
    assertNothingSeen();
  }
}
