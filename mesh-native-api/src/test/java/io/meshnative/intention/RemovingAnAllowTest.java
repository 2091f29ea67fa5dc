package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Removing an allow never adds access, whatever the default: neither an intention that says allow,
 * nor an allow permission of an intention that keeps another one.
 *
 * <p>Two things are not promised, because Consul's model has them otherwise, and each has a test
 * that says so. An intention with permissions takes its source away from broader intentions and
 * from those of {@code *}; without it, these decide. And a policy with a defect denies everything;
 * without the defect, it decides again.
 */
@Tag("T20")
class RemovingAnAllowTest {
  private static final int ROUNDS = 3000;
  private static final Permission ADMIN = Rules.allowPath(Permission.PathKind.PREFIX, "/admin");

  @ParameterizedTest
  @EnumSource(DefaultDecision.class)
  void removingAnAllowIntentionNeverAddsAccess(DefaultDecision byDefault) {
    Random random = new Random(20261124);
    int removed = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> before = RandomIntentions.of(random);
      for (Intention intention : before) {
        if (intention.action().filter(Intention.Action.ALLOW::equals).isPresent()) {
          List<Intention> after = new ArrayList<>(before);
          after.remove(intention);
          removed += assertNothingAdded(before, after, byDefault) ? 1 : 0;
        }
      }
    }
    assertThat(removed).isGreaterThan(ROUNDS / 4);
  }

  @ParameterizedTest
  @EnumSource(DefaultDecision.class)
  void removingAnAllowPermissionOfSeveralNeverAddsAccess(DefaultDecision byDefault) {
    Random random = new Random(20261125);
    int removed = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> before = RandomIntentions.of(random);
      for (int i = 0; i < before.size(); i++) {
        List<Permission> permissions = before.get(i).permissions();
        for (Permission permission : permissions) {
          if (permission.action() == Intention.Action.ALLOW) {
            List<Intention> after = new ArrayList<>(before);
            after.set(i, without(before.get(i), permission));
            removed += assertNothingAdded(before, after, byDefault) ? 1 : 0;
          }
        }
      }
    }
    assertThat(removed).isGreaterThan(ROUNDS / 4);
  }

  /** Two permissions are drawn for each; where they are equal, the other one goes on saying it. */
  private static Intention without(Intention intention, Permission permission) {
    List<Permission> kept = new ArrayList<>(intention.permissions());
    kept.remove(permission);
    return Rules.permissions(
        intention.source().name(), intention.destination().name(), kept.toArray(new Permission[0]));
  }

  /** Returns whether there was anything to compare: a defect before is not asked about. */
  private static boolean assertNothingAdded(
      List<Intention> before, List<Intention> after, DefaultDecision byDefault) {
    IntentionTable old = IntentionTable.compile(Rules.API, before, byDefault);
    IntentionTable changed = IntentionTable.compile(Rules.API, after, byDefault);
    if (old.defect().isPresent()) {
      return false;
    }
    for (String name : RandomIntentions.CALLERS) {
      assertThat(
              !old.decide(Rules.caller(name)).isAllowed()
                  && changed.decide(Rules.caller(name)).isAllowed())
          .as("connections of %s: %s became %s", name, before, after)
          .isFalse();
      for (HttpRequestView request : RandomIntentions.REQUESTS) {
        boolean added =
            !old.decide(Rules.caller(name), request).isAllowed()
                && changed.decide(Rules.caller(name), request).isAllowed();
        assertThat(added).as("%s of %s: %s became %s", request, name, before, after).isFalse();
      }
    }
    return true;
  }

  @Test
  void withoutItsPermissionsASourceBelongsToTheBroaderIntention() {
    Intention broader = Rules.allow("*", "api");
    IntentionTable narrow =
        Rules.table(DefaultDecision.DENY, Rules.permissions("web", "api", ADMIN), broader);

    assertThat(narrow.decide(Rules.caller("web"), Rules.get("/a")).isAllowed()).isFalse();
    assertThat(
            Rules.table(DefaultDecision.DENY, broader)
                .decide(Rules.caller("web"), Rules.get("/a"))
                .isAllowed())
        .isTrue();
  }

  @Test
  void withoutItsDefectAPolicyDecidesAgain() {
    Intention allow = Rules.allow("web", "api");
    IntentionTable contradicting =
        Rules.table(
            DefaultDecision.DENY, allow, Rules.deny("batch", "api"), Rules.allow("batch", "api"));

    assertThat(contradicting.decide(Rules.caller("web")).isAllowed()).isFalse();
    assertThat(
            Rules.table(DefaultDecision.DENY, allow, Rules.deny("batch", "api"))
                .decide(Rules.caller("web"))
                .isAllowed())
        .isTrue();
  }
}
