package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.Permission;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The generator draws what it promises; an oracle that is asked about nothing agrees with all. */
class L7CasesTest {
  private static final List<L7Cases.Policy> DRAWN = L7Cases.draw(20261121, 200, 20);

  @Test
  void theSameSeedGivesTheSameCases() {
    assertThat(L7Cases.draw(20261121, 200, 20)).isEqualTo(DRAWN);
    assertThat(L7Cases.draw(20261122, 200, 20)).isNotEqualTo(DRAWN);
  }

  @Test
  void everyPolicyCompiles() {
    for (L7Cases.Policy policy : DRAWN) {
      IntentionTable table =
          IntentionTable.compile(
              new Intention.Destination("default", "default", L7Cases.SERVICE),
              policy.intentions(),
              policy.byDefault());
      assertThat(table.defect()).as("policy %s", policy.number()).isEmpty();
    }
  }

  @Test
  void everyKindOfConditionIsDrawn() {
    Set<Object> kinds = new HashSet<>();
    for (L7Cases.Policy policy : DRAWN) {
      kinds.add(policy.byDefault());
      for (Intention intention : policy.intentions()) {
        kinds.add(intention.precedence());
        for (Permission permission : intention.permissions()) {
          kinds.add(permission.action());
          permission.path().ifPresent(path -> kinds.add(path.kind()));
          permission
              .headers()
              .forEach(header -> {
                kinds.add(header.kind());
                kinds.add(List.of(header.kind(), "inverted", header.invert()));
                kinds.add(List.of("any letter case", header.ignoreCase()));
              });
          kinds.add(List.of("methods", permission.methods().isEmpty()));
        }
      }
    }
    assertThat(kinds)
        .contains(DefaultDecision.ALLOW, DefaultDecision.DENY)
        .contains(9, 8, 6, 5)
        .contains((Object[]) Intention.Action.values())
        .contains((Object[]) Permission.PathKind.values())
        .contains((Object[]) Permission.HeaderKind.values())
        .containsAll(
            Arrays.stream(Permission.HeaderKind.values())
                .map(kind -> List.of(kind, "inverted", true))
                .toList())
        .contains(List.of("any letter case", true), List.of("methods", false));
  }

  /** Neither answer is rare, by default or by a rule. */
  @Test
  void theRequestsAreDecidedInEveryWay() {
    int[] counts = new int[4];
    for (L7Cases.Policy policy : DRAWN) {
      IntentionTable table = L7Oracles.table(policy);
      policy
          .triples()
          .forEach(triple -> {
            var decision = L7Oracles.decide(table, triple.request());
            if (decision.isPresent()) {
              int way = decision.get().isAllowed() ? 0 : 1;
              counts[way + (decision.get().intention().isPresent() ? 2 : 0)]++;
            }
          });
    }
    assertThat(counts)
        .as("allowed, denied by default; allowed, denied by a rule")
        .satisfies(all -> {
          for (int count : all) {
            assertThat(count).isGreaterThan(200);
          }
        });
  }
}
