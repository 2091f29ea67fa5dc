package io.meshnative.intention;

import static io.meshnative.intention.Rules.allow;
import static io.meshnative.intention.Rules.allowPath;
import static io.meshnative.intention.Rules.caller;
import static io.meshnative.intention.Rules.cause;
import static io.meshnative.intention.Rules.denyPath;
import static io.meshnative.intention.Rules.everything;
import static io.meshnative.intention.Rules.get;
import static io.meshnative.intention.Rules.onMethods;
import static io.meshnative.intention.Rules.permissions;
import static io.meshnative.intention.Rules.request;
import static io.meshnative.intention.Rules.table;
import static io.meshnative.intention.Rules.withJwt;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PermissionsTest {
  private static final ConsulId.Service WEB = caller("web");

  /** What a real server stored: deny first, then allows of every kind. */
  private static final IntentionTable STORED =
      IntentionTable.compile(
          Rules.API,
          Fixtures.match("intentions-match-destination-l7", "api"),
          DefaultDecision.DENY);

  @ParameterizedTest
  @CsvSource({
    "GET, /admin, 0",
    "GET, /administrator, 0",
    "GET, /admin/x, 0",
    "GET, /v1/status, 1",
    "HEAD, /v1/status, 1",
    "PUT, /v1/items/17, 2",
    "GET, /v1/items/17/parts, 2",
    "OPTIONS, /anything, 6"
  })
  void theFirstPermissionThatMatchesDecides(String method, String target, int index) {
    Decision decision = STORED.decide(WEB, request(method, target, Map.of()));

    assertThat(permissionIndex(decision)).isEqualTo(index);
    assertThat(decision.isAllowed()).isEqualTo(index != 0);
  }

  private static int permissionIndex(Decision decision) {
    if (decision instanceof Decision.Denied denied) {
      return denied.permissionIndex().orElse(-1);
    }
    return ((Decision.Allowed) decision).permissionIndex().orElse(-1);
  }

  @ParameterizedTest
  @CsvSource({
    "POST, /v1/status",
    "GET, /v1/status/",
    "GET, /v1/items/17x",
    "GET, /v1/items/",
    "GET, /x/v1/items/17",
    "get, /v1/status"
  })
  void theDefaultDecidesWhereNoPermissionMatches(String method, String target) {
    Decision decision = STORED.decide(WEB, request(method, target, Map.of()));

    assertThat(cause(decision)).isEqualTo(Decision.Cause.DEFAULT);
  }

  @Test
  void theQueryIsNotPartOfThePath() {
    assertThat(STORED.decide(WEB, get("/v1/status?verbose=1")).isAllowed()).isTrue();
  }

  @Test
  void allHeadersOfAPermissionHaveToMatch() {
    Map<String, List<String>> headers =
        Map.of(
            "x-role", List.of("svc-a"),
            "x-zone", List.of("eu-prod"),
            "X-Build", List.of("0123abcd"),
            "x-req", List.of("1"));

    assertThat(STORED.decide(WEB, request("POST", "/x", headers)).isAllowed()).isTrue();
  }

  @Test
  void aHeaderThatDoesNotMatchLeadsToTheNextPermission() {
    Map<String, List<String>> headers =
        Map.of(
            "x-role", List.of("svc-a"),
            "x-zone", List.of("eu-test"),
            "x-build", List.of("0123abcd"),
            "x-req", List.of("1"));

    assertThat(permissionIndex(STORED.decide(WEB, request("POST", "/x", headers)))).isEqualTo(5);
  }

  @Test
  void anInvertedPresenceHoldsForAnAbsentHeader() {
    Map<String, List<String>> headers = Map.of("x-tenant", List.of("acme"));

    assertThat(STORED.decide(WEB, request("GET", "/v2/a", headers)).isAllowed()).isTrue();
  }

  @Test
  void anInvertedPresenceFailsForAPresentHeader() {
    Map<String, List<String>> headers = Map.of("x-tenant", List.of("acme"), "x-debug", List.of(""));

    assertThat(STORED.decide(WEB, request("GET", "/v2/a", headers)).isAllowed()).isFalse();
  }

  @Test
  void anInvertedValueAsksForTheHeaderToExist() {
    assertThat(cause(STORED.decide(WEB, request("POST", "/x", Map.of()))))
        .isEqualTo(Decision.Cause.DEFAULT);
    assertThat(cause(STORED.decide(WEB, request("POST", "/x", Map.of("x-role", List.of("u"))))))
        .isEqualTo(Decision.Cause.PERMISSION);
  }

  @Test
  void aLowerIntentionIsNotAskedWhenNoPermissionMatches() {
    IntentionTable table =
        table(
            DefaultDecision.DENY,
            permissions("web", "api", allowPath(Permission.PathKind.EXACT, "/a")),
            allow("*", "api"));

    assertThat(table.decide(WEB, get("/b")).isAllowed()).isFalse();
  }

  @Test
  void withADefaultOfAllowWhatNoPermissionMatchesPasses() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions("web", "api", denyPath(Permission.PathKind.PREFIX, "/admin")));

    assertThat(table.decide(WEB, get("/b")).isAllowed()).isTrue();
  }

  @Test
  void T20_aSingleDenyPermissionWithADefaultOfDenyAllowsNothing() {
    IntentionTable table =
        table(
            DefaultDecision.DENY,
            permissions("web", "api", denyPath(Permission.PathKind.PREFIX, "/admin")));

    assertThat(table.decide(WEB, get("/admin")).isAllowed()).isFalse();
    assertThat(table.decide(WEB, get("/other")).isAllowed()).isFalse();
  }

  @Test
  void withAnUnknownDefaultWhatNoPermissionMatchesIsDenied() {
    IntentionTable table =
        table(
            DefaultDecision.UNKNOWN,
            permissions("web", "api", denyPath(Permission.PathKind.PREFIX, "/admin")));

    assertThat(cause(table.decide(WEB, get("/b")))).isEqualTo(Decision.Cause.DEFAULT_UNKNOWN);
  }

  @Test
  void aPermissionThatRequiresAJwtNeverFallsThroughToTheNext() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions(
                "web",
                "api",
                withJwt(allowPath(Permission.PathKind.PREFIX, "/a")),
                everything(Intention.Action.ALLOW)));

    assertThat(cause(table.decide(WEB, get("/a")))).isEqualTo(Decision.Cause.JWT_UNSUPPORTED);
    assertThat(table.decide(WEB, get("/b")).isAllowed()).isTrue();
  }

  @Test
  void aDenyPermissionThatRequiresAJwtDeniesWithoutOne() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions("web", "api", withJwt(denyPath(Permission.PathKind.PREFIX, "/a"))));

    assertThat(cause(table.decide(WEB, get("/a")))).isEqualTo(Decision.Cause.PERMISSION);
  }

  @Test
  void aJwtOfTheIntentionIsAskedOfEveryAllowUnderIt() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            withJwt(permissions("web", "api", allowPath(Permission.PathKind.EXACT, "/a"))));

    assertThat(cause(table.decide(WEB, get("/a")))).isEqualTo(Decision.Cause.JWT_UNSUPPORTED);
    assertThat(cause(table.decide(WEB, get("/b")))).isEqualTo(Decision.Cause.JWT_UNSUPPORTED);
  }

  @Test
  void allowingARequestHandsOutTheSameInstance() {
    assertThat(STORED.decide(WEB, get("/v1/status")))
        .isSameAs(STORED.decide(WEB, get("/v1/status")));
  }

  @Test
  void methodsCompareWithLetterCase() {
    IntentionTable table =
        table(
            DefaultDecision.DENY,
            permissions("web", "api", onMethods(Intention.Action.ALLOW, "GET")));

    assertThat(table.decide(WEB, request("Get", "/", Map.of())).isAllowed()).isFalse();
  }

  @Test
  void encodingsInRulesMatchWhateverTheirLetterCase() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions(
                "web",
                "api",
                denyPath(Permission.PathKind.EXACT, "/caf%c3%a9"),
                denyPath(Permission.PathKind.PREFIX, "/cut%c")));

    assertThat(table.decide(WEB, get("/caf%C3%a9")).isAllowed()).isFalse();
    assertThat(table.decide(WEB, get("/cut%c3%A9")).isAllowed()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/caf%c3%a9", "/caf%C3%A9", "/caf%[0-9a-f]{2}%[0-9a-f]{2}"})
  void encodingsMatchExpressionsWrittenInEitherLetterCase(String expression) {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions("web", "api", denyPath(Permission.PathKind.REGEX, expression)));

    assertThat(table.decide(WEB, get("/caf%C3%a9")).isAllowed()).isFalse();
  }

  @Test
  void aPathRuleThatNoPathCanMatchDeniesTheDestination() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions("web", "api", denyPath(Permission.PathKind.PREFIX, "admin")));

    assertThat(table.defect()).get().asString().contains("permission 0", "start with '/'");
  }
}
