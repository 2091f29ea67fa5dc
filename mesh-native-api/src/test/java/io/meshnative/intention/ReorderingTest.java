package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The order in which intentions come never changes a decision: precedence decides, and of equal
 * precedence each source has one. The order of an intention's permissions is its meaning.
 */
@Tag("T22")
class ReorderingTest {
  private static final int ROUNDS = 3000;

  @ParameterizedTest
  @EnumSource(DefaultDecision.class)
  void reorderingIntentionsNeverChangesADecision(DefaultDecision byDefault) {
    Random random = new Random(20261126);
    int equal = 0;
    for (int round = 0; round < ROUNDS; round++) {
      List<Intention> given = RandomIntentions.of(random);
      List<Intention> shuffled = new ArrayList<>(given);
      Collections.shuffle(shuffled, random);
      equal += hasEqualPrecedences(given) ? 1 : 0;

      assertThat(decisions(shuffled, byDefault))
          .as("%s as %s", given, shuffled)
          .isEqualTo(decisions(given, byDefault));
    }
    assertThat(equal).as("policies with several of one precedence").isGreaterThan(ROUNDS / 4);
  }

  private static boolean hasEqualPrecedences(List<Intention> intentions) {
    return intentions.stream().map(Intention::precedence).distinct().count() < intentions.size();
  }

  /** Whether, and by which rule, for every caller and request. */
  private static List<Object> decisions(List<Intention> intentions, DefaultDecision byDefault) {
    IntentionTable table = IntentionTable.compile(Rules.API, intentions, byDefault);
    List<Object> decisions = new ArrayList<>();
    for (String name : RandomIntentions.CALLERS) {
      decisions.add(told(table.decide(Rules.caller(name))));
      for (HttpRequestView request : RandomIntentions.REQUESTS) {
        decisions.add(told(table.decide(Rules.caller(name), request)));
      }
    }
    return decisions;
  }

  private static List<Object> told(Decision decision) {
    return decision instanceof Decision.Denied denied
        ? List.of(denied.cause(), denied.intention(), denied.permissionIndex())
        : List.of(decision.intention(), ((Decision.Allowed) decision).permissionIndex());
  }

  @Test
  void reorderingPermissionsChangesWhatTheySay() {
    Permission allow = Rules.allowPath(Permission.PathKind.PREFIX, "/");
    Permission deny = Rules.denyPath(Permission.PathKind.PREFIX, "/admin");

    assertThat(decide(allow, deny)).isTrue();
    assertThat(decide(deny, allow)).isFalse();
  }

  private static boolean decide(Permission first, Permission second) {
    return Rules.table(DefaultDecision.DENY, Rules.permissions("web", "api", first, second))
        .decide(Rules.caller("web"), Rules.get("/admin"))
        .isAllowed();
  }
}
