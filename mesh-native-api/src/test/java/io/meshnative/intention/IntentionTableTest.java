package io.meshnative.intention;

import static io.meshnative.intention.Rules.API;
import static io.meshnative.intention.Rules.allow;
import static io.meshnative.intention.Rules.caller;
import static io.meshnative.intention.Rules.cause;
import static io.meshnative.intention.Rules.deny;
import static io.meshnative.intention.Rules.destination;
import static io.meshnative.intention.Rules.everything;
import static io.meshnative.intention.Rules.get;
import static io.meshnative.intention.Rules.permissions;
import static io.meshnative.intention.Rules.rule;
import static io.meshnative.intention.Rules.source;
import static io.meshnative.intention.Rules.table;
import static io.meshnative.intention.Rules.withJwt;
import static io.meshnative.intention.Rules.withPrecedence;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class IntentionTableTest {

  @Test
  void theDefaultDecidesWhereNothingMatches() {
    assertThat(table(DefaultDecision.ALLOW).decide(caller("web")).isAllowed()).isTrue();
    assertThat(cause(table(DefaultDecision.DENY).decide(caller("web"))))
        .isEqualTo(Decision.Cause.DEFAULT);
  }

  @Test
  void anUnknownDefaultDenies() {
    assertThat(cause(table(DefaultDecision.UNKNOWN).decide(caller("web"))))
        .isEqualTo(Decision.Cause.DEFAULT_UNKNOWN);
  }

  @Test
  void aDenialNamesItsIntention() {
    Intention rule = deny("web", "api");

    Decision decision = table(DefaultDecision.ALLOW, rule).decide(caller("web"));

    assertThat(decision.intention()).contains(rule);
    assertThat(decision.reason())
        .isEqualTo("matched the intention default/web => default/api (precedence 9, deny)");
  }

  @Test
  void allowingHandsOutTheSameInstance() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "api"));

    assertThat(table.decide(caller("web"))).isSameAs(table.decide(caller("web")));
  }

  @Test
  void anExactSourceBeatsAWildcardSource() {
    IntentionTable table = table(DefaultDecision.DENY, deny("*", "api"), allow("web", "api"));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
    assertThat(table.decide(caller("batch")).isAllowed()).isFalse();
  }

  @Test
  void T22_aWildcardSourceOfTheExactDestinationBeatsAnExactSourceOfTheWildcardDestination() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "*"), deny("*", "api"));

    assertThat(table.decide(caller("web")).isAllowed()).isFalse();
  }

  @Test
  void T22_aPeersIntentionNeverMatchesALocalCaller() {
    Intention.Source peered = new Intention.Source("east", "default", "default", "web");
    IntentionTable table = table(DefaultDecision.DENY, rule(peered, API, Intention.Action.ALLOW));

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.DEFAULT);
  }

  @Test
  void T22_aPeersWildcardNeverMatchesALocalCaller() {
    Intention.Source peered = new Intention.Source("east", "default", "default", "*");
    IntentionTable table = table(DefaultDecision.DENY, rule(peered, API, Intention.Action.ALLOW));

    assertThat(table.match(caller("web"))).isEmpty();
  }

  @Test
  void T22_aWildcardCoversItsOwnPartitionOnly() {
    Intention.Source all = new Intention.Source("", "blue", "*", "*");
    IntentionTable table = table(DefaultDecision.DENY, rule(all, API, Intention.Action.ALLOW));

    assertThat(table.decide(caller("blue", "any", "web")).isAllowed()).isTrue();
    assertThat(table.decide(caller("green", "any", "web")).isAllowed()).isFalse();
  }

  @Test
  void T22_aNamespacesWildcardCoversItsOwnNamespaceOnly() {
    Intention.Source all = new Intention.Source("", "default", "shop", "*");
    IntentionTable table = table(DefaultDecision.DENY, rule(all, API, Intention.Action.ALLOW));

    assertThat(table.decide(caller("default", "shop", "web")).isAllowed()).isTrue();
    assertThat(table.decide(caller("default", "bank", "web")).isAllowed()).isFalse();
  }

  @Test
  void T22_aCallerWhoseNameIsAnAsteriskIsNoWildcard() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "api"), deny("*", "api"));

    assertThat(table.decide(caller("*")).isAllowed()).isFalse();
  }

  @Test
  void sourcesCompareWithLetterCase() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "api"));

    assertThat(table.decide(caller("WEB")).isAllowed()).isFalse();
  }

  @Test
  void destinationsCompareWithoutLetterCase() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "API"));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
  }

  @Test
  void sourcePartitionsCompareWithoutLetterCaseBecauseIdsHoldThemLowered() {
    Intention.Source source = new Intention.Source("", "Blue", "default", "web");
    IntentionTable table = table(DefaultDecision.ALLOW, rule(source, API, Intention.Action.DENY));

    assertThat(table.decide(caller("blue", "default", "web")).isAllowed()).isFalse();
  }

  @Test
  void intentionsOfOtherDestinationsAreLeftOut() {
    IntentionTable table = table(DefaultDecision.ALLOW, deny("web", "db"), allow("web", "*"));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
    assertThat(table.size()).isEqualTo(1);
  }

  @Test
  void theGivenPrecedenceIsTrustedEvenIfTheNamesSayOtherwise() {
    IntentionTable table =
        table(DefaultDecision.DENY, deny("web", "api"), withPrecedence(10, allow("*", "api")));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
  }

  @Test
  void equalPrecedencesOfDifferentSourcesAreOrderedByName() {
    IntentionTable table =
        table(DefaultDecision.DENY, allow("web", "api"), withPrecedence(9, deny("*", "api")));

    assertThat(table.decide(caller("web")).isAllowed()).isFalse();
  }

  @Test
  void T22_theSameSourceTwiceWithTheSamePrecedenceAndDifferentActionsDeniesEverything() {
    IntentionTable table = table(DefaultDecision.ALLOW, allow("web", "api"), deny("web", "API"));

    assertThat(cause(table.decide(caller("other")))).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
    assertThat(table.defect()).get().asString().contains("default/web", "says something else");
  }

  @Test
  void T22_anIntentionRepeatedWithTheSameEffectIsHarmless() {
    IntentionTable table = table(DefaultDecision.DENY, allow("web", "api"), allow("web", "API"));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
  }

  @Test
  void T21_permissionsDenyAConnectionThatHasNoRequest() {
    IntentionTable table =
        table(DefaultDecision.ALLOW, permissions("web", "api", everything(Intention.Action.ALLOW)));

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.NEEDS_REQUEST);
  }

  @Test
  void T21_onlySourcesWithPermissionsNeedARequest() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            permissions("web", "api", everything(Intention.Action.ALLOW)),
            allow("batch", "api"));

    assertThat(table.needsRequest(caller("web"))).isTrue();
    assertThat(table.needsRequest(caller("batch"))).isFalse();
    assertThat(table.needsRequest(caller("nobody"))).isFalse();
  }

  @Test
  void anAllowThatRequiresAJwtDenies() {
    IntentionTable table = table(DefaultDecision.ALLOW, withJwt(allow("web", "api")));

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.JWT_UNSUPPORTED);
    assertThat(cause(table.decide(caller("web"), get("/"))))
        .isEqualTo(Decision.Cause.JWT_UNSUPPORTED);
  }

  @Test
  void aDenyThatRequiresAJwtDenies() {
    IntentionTable table = table(DefaultDecision.ALLOW, withJwt(deny("web", "api")));

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.INTENTION);
  }

  @Test
  void T23_anIntentionWithADefectDeniesTheWholeDestination() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            allow("web", "api"),
            Rules.withDefect("unknown field Permissions[0].HTTP.Cookie", allow("batch", "*")));

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
    assertThat(cause(table.decide(caller("web"), get("/"))))
        .isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
  }

  @Test
  void T23_theReasonNamesTheIntentionAndTheDefect() {
    IntentionTable table =
        table(DefaultDecision.ALLOW, Rules.withDefect("unknown field Foo", deny("batch", "api")));

    assertThat(table.defect())
        .get()
        .asString()
        .contains("default/batch => default/api", "unknown field Foo");
  }

  @Test
  void aNameInAReasonCannotForgeALineOfALog() {
    Intention forged = Rules.withDefect("unknown field a\nb", deny("web\nFATAL", "api"));

    assertThat(table(DefaultDecision.DENY, forged).defect())
        .get()
        .asString()
        .contains("web\\u000aFATAL", "a\\u000ab")
        .doesNotContain("\n");
  }

  @Test
  void T23_aDefectOfAnIntentionThatIsNeverReachedDeniesToo() {
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            allow("web", "api"),
            Rules.withDefect("unknown field Foo", allow("web", "*")));

    assertThat(table.decide(caller("web")).isAllowed()).isFalse();
  }

  @Test
  void T23_aDefectOfAPeersIntentionDeniesToo() {
    Intention.Source peered = new Intention.Source("east", "default", "default", "web");
    IntentionTable table =
        table(
            DefaultDecision.ALLOW,
            Rules.withDefect("unknown field Foo", rule(peered, API, Intention.Action.DENY)));

    assertThat(table.decide(caller("web")).isAllowed()).isFalse();
  }

  @Test
  void T23_aDefectOfAnotherDestinationChangesNothing() {
    IntentionTable table =
        table(
            DefaultDecision.DENY,
            allow("web", "api"),
            Rules.withDefect("unknown field Foo", deny("web", "db")));

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
    assertThat(table.defect()).isEmpty();
  }

  @Test
  void T23_anExactNameUnderAWildcardNamespaceDeniesEverything() {
    Intention.Source source = new Intention.Source("", "default", "*", "web");
    IntentionTable table = table(DefaultDecision.ALLOW, rule(source, API, Intention.Action.DENY));

    assertThat(cause(table.decide(caller("other")))).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
  }

  @Test
  void T23_aWildcardPartitionDeniesEverything() {
    Intention.Source source = new Intention.Source("", "*", "*", "*");
    IntentionTable table = table(DefaultDecision.ALLOW, rule(source, API, Intention.Action.DENY));

    assertThat(cause(table.decide(caller("other")))).isEqualTo(Decision.Cause.DEFECTIVE_POLICY);
  }

  @Test
  void T43_anExceptionInsideTheEvaluationDenies() {
    IntentionTable table = table(DefaultDecision.ALLOW, allow("web", "api"));

    assertThat(cause(table.decide(nothing()))).isEqualTo(Decision.Cause.EVALUATION_FAILED);
    assertThat(cause(table.decide(caller("web"), nothing())))
        .isEqualTo(Decision.Cause.EVALUATION_FAILED);
  }

  @Test
  void T43_aDecisionThatFailedHoldsTheRequest() {
    HttpRequestView request = get("/");
    IntentionTable table = table(DefaultDecision.ALLOW, allow("web", "api"));

    assertThat(((Decision.Denied) table.decide(nothing(), request)).request())
        .containsSame(request);
  }

  /** What a caller without null checks could pass by mistake. */
  @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
  private static <T> T nothing() {
    return null;
  }

  @Test
  void aTableWithoutPolicyDeniesWithItsReason() {
    IntentionTable table = IntentionTable.denyAll("the intentions were not read yet");

    assertThat(cause(table.decide(caller("web")))).isEqualTo(Decision.Cause.NO_POLICY);
    assertThat(cause(table.decide(caller("web"), get("/")))).isEqualTo(Decision.Cause.NO_POLICY);
    assertThat(table.decide(caller("web")).reason()).isEqualTo("the intentions were not read yet");
    assertThat(table.defect()).contains("the intentions were not read yet");
  }

  @Test
  void aTableCanDenyForACauseOfItsMaker() {
    IntentionTable table = IntentionTable.denyAll(Decision.Cause.IDENTITY, "it has ended");

    assertThat(cause(table.decide(caller("web"), get("/")))).isEqualTo(Decision.Cause.IDENTITY);
    assertThat(table.decide(caller("web")).reason()).isEqualTo("it has ended");
  }

  @Test
  void aDenialOfAConnectionCanBeToldOfARequest() {
    HttpRequestView request = get("/v1");
    Decision.Denied denied =
        (Decision.Denied) table(DefaultDecision.ALLOW, deny("web", "api")).decide(caller("web"));

    assertThat(denied.request()).isEmpty();
    assertThat(denied.of(request).request()).containsSame(request);
    assertThat(denied.of(request).cause()).isEqualTo(denied.cause());
    assertThat(denied.of(request).intention()).isEqualTo(denied.intention());
    assertThat(denied.of(request).reason()).isEqualTo(denied.reason());
  }

  @Test
  void aDenialOfARequestHoldsTheRequest() {
    HttpRequestView request = get("/v1");
    List<IntentionTable> tables =
        List.of(
            table(DefaultDecision.DENY),
            table(DefaultDecision.ALLOW, deny("web", "api")),
            table(
                DefaultDecision.ALLOW,
                permissions("web", "api", everything(Intention.Action.DENY))),
            IntentionTable.denyAll("none"));

    assertThat(tables)
        .allSatisfy(table ->
            assertThat(((Decision.Denied) table.decide(caller("web"), request)).request())
                .containsSame(request));
  }

  @Test
  void aLayer4DenyIsDefinite() {
    IntentionTable table = table(DefaultDecision.ALLOW, deny("web", "api"));

    assertThat(table.definitelyDenies(caller("web"))).isTrue();
    assertThat(table.definitelyDenies(caller("batch"))).isFalse();
  }

  @Test
  void aDefaultDenyIsDefiniteWhereNothingMatches() {
    assertThat(table(DefaultDecision.DENY).definitelyDenies(caller("web"))).isTrue();
  }

  @Test
  void whatThePeerCouldStillAllowIsNotDefinite() {
    List<IntentionTable> tables =
        List.of(
            table(DefaultDecision.UNKNOWN),
            table(
                DefaultDecision.DENY, permissions("web", "api", everything(Intention.Action.DENY))),
            table(DefaultDecision.DENY, withJwt(allow("web", "api"))),
            table(DefaultDecision.DENY, Rules.withDefect("unknown field", deny("web", "api"))),
            IntentionTable.denyAll("no policy"));

    assertThat(tables)
        .noneSatisfy(table -> assertThat(table.definitelyDenies(caller("web"))).isTrue());
  }

  @Test
  void theDecidingIntentionCanBeAskedFor() {
    Intention exact = allow("web", "api");
    IntentionTable table = table(DefaultDecision.DENY, deny("*", "*"), exact);

    assertThat(table.match(caller("web"))).contains(exact);
    assertThat(table.match(caller("batch"))).contains(deny("*", "*"));
  }

  @Test
  void namespacesAreToldApart() {
    IntentionTable table =
        IntentionTable.compile(
            new Intention.Destination("default", "shop", "api"),
            List.of(rule(source("web"), destination("api"), Intention.Action.DENY)),
            DefaultDecision.ALLOW);

    assertThat(table.decide(caller("web")).isAllowed()).isTrue();
  }
}
