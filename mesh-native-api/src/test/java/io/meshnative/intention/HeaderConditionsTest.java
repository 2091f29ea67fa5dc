package io.meshnative.intention;

import static io.meshnative.intention.Rules.caller;
import static io.meshnative.intention.Rules.header;
import static io.meshnative.intention.Rules.inverted;
import static io.meshnative.intention.Rules.onHeader;
import static io.meshnative.intention.Rules.permissions;
import static io.meshnative.intention.Rules.request;
import static io.meshnative.intention.Rules.table;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Permission.HeaderCondition;
import io.meshnative.intention.Permission.HeaderKind;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderConditionsTest {
  private static final HeaderCondition ADMIN = header("x-role", HeaderKind.EXACT, "admin");
  private static final HeaderCondition NOT_GUEST = inverted("x-role", HeaderKind.EXACT, "guest");

  private static boolean allows(HeaderCondition condition, String... lines) {
    return decide(DefaultDecision.DENY, Intention.Action.ALLOW, condition, lines).isAllowed();
  }

  private static boolean denies(HeaderCondition condition, String... lines) {
    return !decide(DefaultDecision.ALLOW, Intention.Action.DENY, condition, lines).isAllowed();
  }

  private static Decision decide(
      DefaultDecision byDefault,
      Intention.Action action,
      HeaderCondition condition,
      String... lines) {
    return table(byDefault, permissions("web", "api", onHeader(action, condition)))
        .decide(caller("web"), request("GET", "/", Map.of("X-Role", Arrays.asList(lines))));
  }

  @ParameterizedTest
  @CsvSource({
    "EXACT, admin",
    "PREFIX, ad",
    "SUFFIX, min",
    "CONTAINS, dmi",
    "REGEX, a.*n",
    "PRESENT, ''"
  })
  void everyKindMatchesTheValueItIsAbout(HeaderKind kind, String value) {
    assertThat(allows(header("x-role", kind, value), "admin")).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"EXACT, Admin", "PREFIX, AD", "SUFFIX, Min", "CONTAINS, DMI", "REGEX, dmi"})
  void everyKindComparesWithLetterCaseAndExpressionsInFull(HeaderKind kind, String value) {
    assertThat(allows(header("x-role", kind, value), "admin")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"EXACT, Admin", "PREFIX, AD", "SUFFIX, Min", "CONTAINS, DMI"})
  void letterCaseCanBeIgnored(HeaderKind kind, String value) {
    assertThat(allows(new HeaderCondition("x-role", kind, value, false, true), "admin")).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"EXACT, \u212aey", "PREFIX, \u212ae", "SUFFIX, \u212aey", "CONTAINS, \u212ae"})
  void lettersThatFoldIntoAsciiAreOthers(HeaderKind kind, String value) {
    assertThat(allows(new HeaderCondition("x-role", kind, value, false, true), "key")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"PREFIX, adminx", "SUFFIX, xadmin", "CONTAINS, xadminx", "EXACT, admi"})
  void aTextThatIsLongerThanTheValueDoesNotMatchWhateverItsLetterCase(
      HeaderKind kind, String value) {
    assertThat(allows(new HeaderCondition("x-role", kind, value, false, true), "ADMIN")).isFalse();
  }

  @Test
  void ignoringLetterCaseDoesNotApplyToExpressions() {
    assertThat(
            allows(new HeaderCondition("x-role", HeaderKind.REGEX, "ADMIN", false, true), "admin"))
        .isFalse();
  }

  @Test
  void namesCompareWithoutLetterCase() {
    assertThat(allows(header("X-ROLE", HeaderKind.EXACT, "admin"), "admin")).isTrue();
  }

  @Test
  void T35_aDenyHoldsIfAnyLineMatches() {
    assertThat(denies(ADMIN, "user", "admin")).isTrue();
  }

  @Test
  void T35_aDenyHoldsIfTheJoinedValueMatches() {
    assertThat(denies(header("x-role", HeaderKind.EXACT, "a,b"), "a", "b")).isTrue();
  }

  @Test
  void T35_anAllowAsksForEveryLine() {
    assertThat(allows(header("x-role", HeaderKind.SUFFIX, "n"), "user", "admin")).isFalse();
  }

  @Test
  void T35_anAllowAsksForTheJoinedValueToo() {
    assertThat(allows(ADMIN, "admin", "admin")).isFalse();
  }

  @Test
  void T35_anAllowHoldsIfEveryLineAndTheJoinedValueMatch() {
    assertThat(allows(header("x-role", HeaderKind.PREFIX, "svc-"), "svc-a", "svc-b")).isTrue();
  }

  @Test
  void T35_anInvertedDenyHoldsIfAnyLineIsOther() {
    assertThat(denies(NOT_GUEST, "guest", "admin")).isTrue();
  }

  @Test
  void T35_anInvertedAllowFailsIfAnyLineMatches() {
    assertThat(allows(NOT_GUEST, "admin", "guest")).isFalse();
  }

  @Test
  void T35_anInvertedComparisonOfAnAbsentHeaderDoesNotHold() {
    assertThat(denies(NOT_GUEST)).isFalse();
    assertThat(allows(NOT_GUEST)).isFalse();
  }

  @Test
  void T35_namesThatDifferInLetterCaseAreOneHeader() {
    HttpRequestView request =
        request("GET", "/", Map.of("X-Role", List.of("user"), "x-role", List.of("admin")));

    assertThat(request.header("x-role")).containsExactlyInAnyOrder("user", "admin");
  }

  @Test
  void T35_anEmptyHeaderIsPresent() {
    assertThat(denies(header("x-role", HeaderKind.PRESENT, ""), "")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "Host", ":authority"})
  void T34_rulesAboutTheHostSeeTheCanonicalOne(String name) {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions(
                "web",
                "api",
                onHeader(Intention.Action.DENY, header(name, HeaderKind.EXACT, "API.example"))));

    assertThat(table.decide(caller("web"), Rules.get("/")).isAllowed()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {":path", "x role", "", "x-rôle", "x-\u212aey"})
  void T36_aRuleAboutAHeaderThatNoRequestCanHaveDeniesTheDestination(String name) {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions(
                "web",
                "api",
                onHeader(Intention.Action.DENY, header(name, HeaderKind.EXACT, "x"))));

    assertThat(table.defect()).get().asString().contains("the name of a header");
  }

  @Test
  void aComparisonWithNothingDeniesTheDestination() {
    assertThat(
            table(
                    DefaultDecision.ALLOW,
                    permissions(
                        "web",
                        "api",
                        onHeader(Intention.Action.ALLOW, header("x-role", HeaderKind.PREFIX, ""))))
                .defect())
        .isPresent();
  }
}
