package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HttpRequestViewTest {
  private static final List<String> HOST = List.of("api.example");

  private static HttpRequestView view(String method, String target) throws Exception {
    return HttpRequestView.of(method, target, HOST, Map.of());
  }

  private static HttpRequestView withHeader(String name, String value) throws Exception {
    return HttpRequestView.of("GET", "/", HOST, Map.of(name, List.of(value)));
  }

  private static void assertRefused(String method, String target) {
    assertThatThrownBy(() -> view(method, target))
        .isInstanceOf(MalformedRequestException.class)
        .hasMessageStartingWith("expected ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "//admin",
        "/a//b",
        "/a//",
        "//",
        "/./admin",
        "/x/../admin",
        "/..",
        "/.",
        "/a/.",
        "/a/..",
        "/\\admin",
        "\\admin",
        "/admin;x=1",
        "/admin;",
        "/;/admin",
        "//?x"
      })
  void T30_pathsWithASecondReadingAreRefused(String target) {
    assertRefused("GET", target);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/admin/", "/ADMIN", "/...", "/.a", "/a.", "/a..b", "/", "/a:b@c!$&'()*+,="})
  void T30_otherPathsAreKeptAsTheyAre(String target) throws Exception {
    assertThat(view("GET", target).path()).isEqualTo(target);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/%2e%2e/admin",
        "/%2e",
        "/%00",
        "/%7f",
        "/%0a",
        "/%1F",
        "/%252f",
        "/%25",
        "/%c0%af",
        "/%C1%9C",
        "/%e0%80%af",
        "/%f0%80%80%af",
        "/%f8%80%80%80%af",
        "/%80",
        "/%ff",
        "/%c3",
        "/%c3/%a9",
        "/%c3x%a9",
        "/%c3%c3%a9",
        "/%a9%c3",
        "/%c3%a9%a9",
        "/%e2%82",
        "/%ed%a0%80",
        "/%f4%90%80%80",
        "/%f0%8f%bf%bf",
        "/%zz",
        "/%",
        "/%4",
        "/%4/x",
        "/%-1",
        "/%+1",
        "/%41dmin",
        "/%7e",
        "/%3b",
        "/%u0041"
      })
  void T31_encodingsWithASecondReadingAreRefused(String target) {
    assertRefused("GET", target);
  }

  @Test
  void T31_digitsOfOtherScriptsAreNotHexadecimal() {
    assertRefused("GET", "/%\u0664\u0661");
  }

  @ParameterizedTest
  @CsvSource({
    "/a%20b, /a%20b",
    "/caf%c3%a9, /caf%C3%A9",
    "/caf%C3%a9, /caf%C3%A9",
    "/a%3fb, /a%3Fb",
    "/a%5bb, /a%5Bb",
    "/%e0%a4%85, /%E0%A4%85",
    "/%f0%9f%98%80, /%F0%9F%98%80",
    "/%c2%80%df%bf%e0%a0%80%ed%9f%bf%ee%80%80%f4%8f%bf%bf, /%C2%80%DF%BF%E0%A0%80%ED%9F%BF%EE%80%80%F4%8F%BF%BF",
    "/a%40b, /a%40b"
  })
  void T31_otherEncodingsAreUpperCasedAndNotDecoded(String target, String path) throws Exception {
    assertThat(view("GET", target).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/admin#x", "#", "/?a#b", "", "admin", "?x", "ftp://api.example/", "http:/admin"})
  void T32_targetsThatAreNoTargetsAreRefused(String target) {
    assertRefused("GET", target);
  }

  @ParameterizedTest
  @CsvSource({
    "/admin?x=/../y, /admin",
    "/admin?, /admin",
    "/admin?a;b//c\\d%zz, /admin",
    "/a?b?c, /a"
  })
  void T32_theQueryIsCutOffAndNotJudged(String target, String path) throws Exception {
    assertThat(view("GET", target).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @CsvSource({
    "http://api.example/admin?x, /admin",
    "HTTPS://API.example/admin, /admin",
    "http://api.example, /",
    "http://api.example?x=1, /"
  })
  void T32_anAbsoluteFormOfTheSameHostIsJudgedByItsPath(String target, String path)
      throws Exception {
    assertThat(view("GET", target).path()).isEqualTo(path);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://other/admin",
        "http://api.example:80/admin",
        "http://u@api.example/admin",
        "http://api.example./admin",
        "http:///admin",
        "http://",
        "http://api.example//admin",
        "http://api.example/../admin"
      })
  void T32_anAbsoluteFormOfAnotherHostOrWithAnAmbiguousPathIsRefused(String target) {
    assertRefused("GET", target);
  }

  @Test
  void T32_theAsteriskIsForOptionsOnly() throws Exception {
    assertThat(view("OPTIONS", "*").path()).isEqualTo("*");
    assertRefused("GET", "*");
    assertRefused("options", "*");
  }

  @Test
  void T32_optionsOfAnAbsoluteFormWithoutPathIsRefused() {
    assertRefused("OPTIONS", "http://api.example");
  }

  @Test
  void T32_theAuthorityFormOfConnectIsRefused() {
    assertRefused("CONNECT", "api.example:443");
  }

  @Test
  void T33_aPathWithoutLeadingSlashIsRefused() {
    assertRefused("POST", "pkg.Service/Method");
  }

  @Test
  void T33_theFullNameOfAGrpcMethodIsAPath() throws Exception {
    assertThat(view("POST", "/pkg.Service/Method").path()).isEqualTo("/pkg.Service/Method");
  }

  @ParameterizedTest
  @CsvSource({
    "API.Example, api.example, -1",
    "api.example:8443, api.example, 8443",
    "10.0.0.1, 10.0.0.1, -1",
    "[::1]:80, [::1], 80",
    "[2001:DB8::1], [2001:db8::1], -1"
  })
  void T34_theHostIsLowerCasedAndThePortKeptApart(String line, String host, int port)
      throws Exception {
    HttpRequestView view = HttpRequestView.of("GET", "/", List.of(line), Map.of());

    assertThat(view.host()).isEqualTo(host);
    assertThat(view.port().orElse(-1)).isEqualTo(port);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "api.example.",
        ".api",
        "a..b",
        "u@api",
        "a,b",
        "a b",
        "a/b",
        "a%2eb",
        "api:",
        "api:0",
        "api:080",
        "api:65536",
        "api:999999",
        "api:8x",
        "api:+8",
        "[::1",
        "[::1]x",
        "[fe80::1%25eth0]",
        "[]",
        "[abc]",
        "::1",
        "h\u00f6st",
        "\u212aasse.example", // the kelvin sign, which lower-cases to "k"
        "a\u0000"
      })
  void T34_hostsWithASecondReadingAreRefused(String line) {
    assertThatThrownBy(() -> HttpRequestView.of("GET", "/", List.of(line), Map.of()))
        .isInstanceOf(MalformedRequestException.class);
  }

  @Test
  void T34_thereHasToBeExactlyOneHostLine() {
    assertThatThrownBy(() -> HttpRequestView.of("GET", "/", List.of("a", "a"), Map.of()))
        .isInstanceOf(MalformedRequestException.class)
        .hasMessageContaining("found 2");
    assertThatThrownBy(() -> HttpRequestView.of("GET", "/", List.of(), Map.of()))
        .isInstanceOf(MalformedRequestException.class)
        .hasMessageContaining("found 0");
  }

  @Test
  void T34_aHostAmongTheHeadersHasToAgree() throws Exception {
    assertThat(withHeader("Host", "API.example").authority()).isEqualTo("api.example");
    assertThatThrownBy(() -> withHeader("Host", "other"))
        .isInstanceOf(MalformedRequestException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x_role", "_", "x role", "x-role ", " x-role", "x:role", "", "x\u0000", "x\u00e9", ":path"
      })
  void T36_headerNamesThatServersReadDifferentlyAreRefused(String name) {
    assertThatThrownBy(() -> withHeader(name, "v")).isInstanceOf(MalformedRequestException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a\r\n b", "a\nb", "a\rb", "a\u0000", "\u0001", "\u007f", "caf\u00e9", "\u00ff"})
  void T36_headerValuesThatServersReadDifferentlyAreRefused(String value) {
    assertThatThrownBy(() -> withHeader("x-role", value))
        .isInstanceOf(MalformedRequestException.class);
  }

  @Test
  void T36_blanksAroundAValueAreTrimmed() throws Exception {
    assertThat(withHeader("X-Role", " \t admin \t").header("x-ROLE")).containsExactly("admin");
  }

  @Test
  void T36_blanksInsideAValueAreKept() throws Exception {
    assertThat(withHeader("x-role", "a \t b").header("x-role")).containsExactly("a \t b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "get", "PROPFIND", "M-SEARCH", "!#$%&'*+-.^_`|~9"})
  void T37_methodsAreTokensWithTheirLetterCaseKept(String method) throws Exception {
    assertThat(view(method, "/").method()).isEqualTo(method);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "GET ", "G ET", "GET\n", "GET/", "G\u00c9T"})
  void T37_methodsThatAreNoTokensAreRefused(String method) {
    assertRefused(method, "/");
  }

  @Test
  void T37_aHeaderThatOverridesTheMethodIsNotRead() throws Exception {
    assertThat(withHeader("X-HTTP-Method-Override", "DELETE").method()).isEqualTo("GET");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/a b", "/a\tb", "/a\u0000", "/a\u007f", "/caf\u00e9", "/a?b c", "/a?\u00e9"})
  void T31_charactersThatAreNotVisibleAsciiAreRefused(String target) {
    assertRefused("GET", target);
  }

  @Test
  void buildingIsLinearInTheSizeOfTheRequest() {
    int size = 4_000_000;
    Map<String, List<String>> headers = new HashMap<>();
    headers.put("x-many", Collections.nCopies(size / 10, "a"));
    headers.put("x-long", List.of(" ".repeat(size) + "a" + " ".repeat(size)));

    HttpRequestView view =
        Assertions.assertTimeoutPreemptively(
            Duration.ofMinutes(2),
            () ->
                HttpRequestView.of(
                    "GET", "/a%20".repeat(size / 5) + "?" + "?".repeat(size), HOST, headers));

    assertThat(view.path()).hasSize(size);
  }

  @Test
  void aViewShowsNoHeader() throws Exception {
    assertThat(withHeader("Authorization", "Bearer secret")).hasToString("GET api.example/");
  }

  @Test
  void laterChangesOfTheGivenMapChangeNothing() throws Exception {
    Map<String, List<String>> headers = new HashMap<>(Map.of("x-a", List.of("1")));
    HttpRequestView view = HttpRequestView.of("GET", "/", HOST, headers);

    headers.clear();

    assertThat(view.header("x-a")).containsExactly("1");
    assertThat(view.headerNames()).containsExactlyInAnyOrder("host", "x-a");
  }
}
