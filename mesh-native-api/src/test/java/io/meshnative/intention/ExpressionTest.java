package io.meshnative.intention;

import static io.meshnative.intention.Rules.caller;
import static io.meshnative.intention.Rules.cause;
import static io.meshnative.intention.Rules.denyPath;
import static io.meshnative.intention.Rules.get;
import static io.meshnative.intention.Rules.permissions;
import static io.meshnative.intention.Rules.table;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** T41 and what else regular expressions can do to whoever runs them. */
class ExpressionTest {

  private static IntentionTable denying(String expression) {
    return table(
        DefaultDecision.ALLOW,
        permissions("web", "api", denyPath(Permission.PathKind.REGEX, expression)));
  }

  @Test
  void T41_anExpressionThatBacktrackersChokeOnIsDecided() {
    IntentionTable table = denying("/(a+)+b");
    HttpRequestView request = get("/" + "a".repeat(50_000));

    Decision decision =
        Assertions.assertTimeoutPreemptively(
            Duration.ofMinutes(1), () -> table.decide(caller("web"), request));

    assertThat(decision.isAllowed()).isTrue();
  }

  @Test
  void T23_anExpressionThatDoesNotCompileDeniesTheWholeDestination() {
    IntentionTable table =
        IntentionTable.compile(
            Rules.destination("snake"),
            Fixtures.match("intentions-match-destination-invalid-regex", "snake"),
            DefaultDecision.ALLOW);

    assertThat(cause(table.decide(caller("admin")))).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
    assertThat(table.defect())
        .get()
        .asString()
        .contains("default/web => default/snake", "permission 0", "\"[\" does not compile");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(",
        "[",
        "a**",
        "a{1001}",
        "(?<=a)b",
        "(a)\\1",
        "\\",
        "((a{1000}){1000}){1000}",
        "(((((x{99}){99}){99}){99}){99})"
      })
  void T41_whatTheEngineCannotRunDeniesTheDestination(String expression) {
    assertThat(denying(expression).defect()).get().asString().contains("does not compile");
  }

  @Test
  void T41_anExpressionOfUnreasonableLengthDeniesTheDestination() {
    assertThat(denying("a".repeat(5000)).defect()).isPresent();
  }

  @Test
  void T41_anExpressionOfUnreasonableDepthDoesNotThrow() {
    assertThat(denying("(".repeat(2000) + "a" + ")".repeat(2000)).size()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "/(a){100}(b){100}(c){100}(d){100}",
        "/([^/]{1,200}/){20}",
        "/[]{999}]{5}",
        "/\\p{Greek}{10}\\x{10FFFF}*",
        "/a{,5}",
        "/[[:alpha:]{99}]{9}"
      })
  void expressionsOfReasonableSizeAreRun(String expression) {
    assertThat(denying(expression).defect()).isEmpty();
  }

  @Test
  void anExpressionHasToMatchTheWholePath() {
    assertThat(denying("/admin").decide(caller("web"), get("/x/admin")).isAllowed()).isTrue();
    assertThat(denying("/admin").decide(caller("web"), get("/admin/x")).isAllowed()).isTrue();
    assertThat(denying("/a|/admin").decide(caller("web"), get("/admin")).isAllowed()).isFalse();
  }

  @Test
  void theReasonShowsNoControlCharacterOfAnExpression() {
    assertThat(denying("(\n\u001b").defect()).get().asString().doesNotContain("\n", "\u001b");
  }
}
