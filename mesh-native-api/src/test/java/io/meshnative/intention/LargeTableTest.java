package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LargeTableTest {
  private static final int SIZE = 100_000;

  @Test
  void aHundredThousandIntentionsCompileAndDecide() {
    List<Intention> intentions = new ArrayList<>();
    intentions.add(Rules.deny("*", "api"));
    for (int i = 1; i < SIZE; i++) {
      intentions.add(i % 2 == 0 ? Rules.allow("web-" + i, "api") : Rules.deny("web-" + i, "api"));
    }

    IntentionTable table = IntentionTable.compile(Rules.API, intentions, DefaultDecision.ALLOW);

    assertThat(table.size()).isEqualTo(SIZE);
    assertThat(table.decide(Rules.caller("nobody")).isAllowed()).isFalse();
    for (int i = 1; i < SIZE; i++) {
      if (table.decide(Rules.caller("web-" + i)).isAllowed() != (i % 2 == 0)) {
        throw new AssertionError("expected another decision for web-" + i);
      }
    }
  }
}
