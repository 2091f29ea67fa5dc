package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** T30 to T34: which path and which host a request is about. */
abstract class HttpTargetAttacks extends HttpLiveAttacks {
  /** All is allowed but what lies under {@code /admin}, which a mapping of its own serves. */
  private static final String ALL_BUT_ADMIN = deny("\"PathPrefix\":\"/admin\"") + "," + ALLOW_ALL;

  HttpTargetAttacks(HttpServerKind kind, TlsKind tls) {
    super(kind, tls);
  }

  @Test
  void anAllowedRequestIsServedAndADeniedOneIsToldAnIdAndNothingElse() throws Exception {
    world.rules(allow("\"PathPrefix\":\"/public/\""));
    try (RawHttp web = world.connect(HttpWorld.WEB)) {
      assertThat(web.ask("GET", "/public/a?b=c").status()).isEqualTo(200);
      RawHttp.Answer denied = web.ask("GET", "/admin/a");
      assertThat(denied.status()).isEqualTo(403);
      assertThat(denied.header("mesh-refusal")).isEqualTo("default");
      assertThat(denied.body()).isEqualTo("default\n");
      assertThat(web.ask("GET", "/public/c").status()).isEqualTo(200);
    }
    assertThat(seen())
        .extracting(RecordingApplication.Seen::path)
        .containsExactly("/public/a", "/public/c");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//admin",
        "//admin/x",
        "/./admin",
        "/x/../admin",
        "/..//admin",
        "/x/./../admin",
        "/admin/..",
        "/\\admin",
        "\\admin",
        "/x\\..\\admin",
        "/admin;x=1",
        "/;/admin",
        "/x/..;/admin",
        "/admin;/x",
        "/public/.."
      })
  void t30APathThatHasASecondReadingIsRefusedBeforeAnyDecision(String target) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    // 404: the JDK's server takes //admin for a host, and no path of it, before anybody is asked.
    assertThat(get(target)).isIn(400, 404, CLOSED);
    assertNothingSeen();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/admin", "/admin/", "/admin/x", "/admin?x", "/administrator"})
  void t30WhatTheRuleNamesIsDenied(String target) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get(target)).isEqualTo(403);
    assertNothingSeen();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/ADMIN", "/Admin/x", "/public/admin", "/x?/admin", "/...", "/a.."})
  void t30AnotherPathIsAnotherPathForTheContainerToo(String target) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get(target)).isEqualTo(200);
    assertThat(onlySeen(target.split("\\?", 2)[0]).mapping()).isEqualTo("/");
  }

  @Test
  void t30ASlashAtTheEndMakesAnotherPath() throws Exception {
    world.rules(allow("\"PathExact\":\"/public\""));
    assertThat(get("/public/")).isEqualTo(403);
    assertNothingSeen();
    assertThat(get("/public")).isEqualTo(200);
    onlySeen("/public");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/%2fadmin",
        "/x%2f..%2fadmin",
        "/x/%2e%2e/admin",
        "/%2e/admin",
        "/x%5c..%5cadmin",
        "/%61dmin",
        "/adm%69n",
        "/admin%00",
        "/admin%3bx",
        "/%252fadmin",
        "/%25%32%66admin",
        "/%c0%afadmin",
        "/%e0%80%afadmin",
        "/%c0%ae%c0%ae/admin",
        "/%zzadmin",
        "/%",
        "/%2",
        "/%0d%0aadmin",
        "/%7f",
        "/a%ffb",
        "/a%c3",
        "/a%e2%82",
        "/a%ed%a0%80"
      })
  void t31AnEncodingThatHidesSomethingIsRefusedBeforeAnyDecision(String target) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get(target)).isIn(400, CLOSED);
    assertNothingSeen();
  }

  @ParameterizedTest
  @CsvSource({
    "/users:delete, /users%3Adelete",
    "/users:delete, /users%3adelete",
    "/a@b, /a%40b",
    "/a!b, /a%21b",
    "/a+b, /a%2Bb",
    "/a=b, /a%3Db",
    "/(a), /%28a%29"
  })
  void t31ARuleHoldsForEachSpellingThatTheContainerRoutesAlike(String denied, String spelling)
      throws Exception {
    world.rules(deny("\"PathExact\":\"" + denied + "\"") + "," + ALLOW_ALL);
    assertThat(get(denied)).isEqualTo(403);
    assertThat(get(spelling)).isEqualTo(403);
    assertNothingSeen();
    world.rules(allow("\"PathExact\":\"" + spelling + "\""));
    assertThat(get(denied)).isEqualTo(200);
    assertThat(get(spelling)).isEqualTo(200);
    assertThat(seen()).extracting(RecordingApplication.Seen::path).containsOnly(denied);
  }

  @Test
  void t31AnEncodingThatIsNeededIsServed() throws Exception {
    world.rules(allow("\"PathPrefix\":\"/caf%C3%A9/\""));
    assertThat(get("/caf%c3%a9/a%20b")).isEqualTo(200);
    onlySeen("/café/a b");
  }

  @ParameterizedTest
  @CsvSource({
    "/admin#x",
    "/public#/../admin",
    "http://other/admin",
    "http://other/public",
    "https://api@other/public",
    "ftp://api/public",
    "api:443",
    "*",
    "//api/admin",
    "admin",
    "?/admin",
    "http:///admin",
    "mailto:admin"
  })
  void t32ATargetOfAnotherFormIsNotServed(String target) throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get(target)).isIn(400, 404, CLOSED);
    assertNothingSeen();
  }

  /** Jetty reads a target with a scheme and no authority as its path. */
  @Test
  void t32ATargetWithoutAuthorityIsRefusedOrJudgedByItsPath() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get("http:/admin")).isIn(400, 403, 404, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t32AnAbsoluteTargetIsJudgedAndServedByItsPath() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(get("https://api/admin/x")).isIn(400, 403);
    assertThat(get("HTTPS://API/admin")).isIn(400, 403);
    assertNothingSeen();
    assertThat(get("https://api/public")).isEqualTo(200);
    onlySeen("/public");
  }

  @Test
  void t32AnAsteriskIsNoPath() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    assertThat(status("OPTIONS * HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(200, 400, 403, 404);
    assertNothingSeen();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Host: api\r\nHost: other\r\n",
        "Host: api\r\nHost: api\r\n",
        "Host: api\r\nhost: other\r\n",
        "",
        "Host:\r\n",
        "Host: api.\r\n",
        "Host: web@api\r\n",
        "Host: api:0\r\n",
        "Host: api:080\r\n",
        "Host: api:65536\r\n",
        "Host: api/x\r\n",
        "Host: api other\r\n",
        "Host: api,other\r\n"
      })
  void t34ARequestWithoutExactlyOneHostIsRefused(String hosts) throws Exception {
    world.rules(ALLOW_ALL);
    assertThat(status("GET /public HTTP/1.1\r\n" + hosts + "\r\n")).isIn(400, CLOSED);
    assertNothingSeen();
  }

  @Test
  void t34ARuleOverTheHostHoldsInAnyLetterCaseAndWithThePort() throws Exception {
    world.rules(deny(header("\"Name\":\"host\",\"Exact\":\"inner\"")) + "," + ALLOW_ALL);
    assertThat(status("GET / HTTP/1.1\r\nHost: inner\r\n\r\n")).isEqualTo(403);
    assertThat(status("GET / HTTP/1.1\r\nHOST: INNER\r\n\r\n")).isEqualTo(403);
    assertThat(status("GET https://inner/ HTTP/1.1\r\nHost: api\r\n\r\n")).isIn(400, 403);
    assertThat(status("GET https://api/ HTTP/1.1\r\nHost: inner\r\n\r\n")).isIn(400, 403);
    assertNothingSeen();
    world.rules(allow(header("\"Name\":\"host\",\"Exact\":\"api\"")));
    assertThat(status("GET / HTTP/1.1\r\nHost: api:8443\r\n\r\n")).isEqualTo(403);
    assertNothingSeen();
    assertThat(status("GET / HTTP/1.1\r\nHost: API\r\n\r\n")).isEqualTo(200);
  }

  /**
   * Whatever is sent: what the application is shown is the judged path with its encodings decoded,
   * and what was refused is not shown at all.
   */
  @Test
  void thePathJudgedIsThePathThatTheContainerRoutesOn() throws Exception {
    world.rules(ALL_BUT_ADMIN);
    Random random = new Random(3039);
    String[] parts = {
      "/", "admin", "a", ".", "..", "%2e", "%2F", "%20", "%C3%A9", "%c3%a9", ";", "?", "#", "\\",
          "//",
      "%", "ADMIN", "x=y", "%3F", "%23", "%25", "+", "%2B", "~", "%FF", "@", ":", "%3a", "!", "&"
    };
    RawHttp web = world.connect(HttpWorld.WEB);
    int served = 0;
    try {
      for (int i = 0; i < 250; i++) {
        StringBuilder target = new StringBuilder(random.nextInt(8) == 0 ? "" : "/");
        for (int part = random.nextInt(5); part >= 0; part--) {
          target.append(parts[random.nextInt(parts.length)]);
        }
        world.application.forget();
        int status = status(web, "GET " + target + " HTTP/1.1\r\nHost: api\r\n\r\n");
        String judged = judged(target.toString());
        if (status == 200) {
          served++;
          assertThat(judged).as("what was served: " + target).isNotNull();
          String decoded = URLDecoder.decode(judged.replace("+", "%2B"), StandardCharsets.UTF_8);
          assertThat(onlySeen(decoded).mapping()).as(target.toString()).isEqualTo("/");
          assertThat(decoded).as(target.toString()).doesNotStartWith("/admin");
        } else {
          assertThat(seen()).as(target + " was answered " + status).isEmpty();
        }
        if (status != 200 && status != 403) {
          web.close();
          web = world.connect(HttpWorld.WEB);
        }
      }
    } finally {
      web.close();
    }
    assertThat(served).as("how many of them were served").isGreaterThan(20);
  }

  private static String judged(String target) {
    try {
      return HttpRequestView.of("GET", target, List.of("api"), Map.of()).path();
    } catch (MalformedRequestException e) {
      return null;
    }
  }
}
