package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Decision;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Holds {@code docs/l7.md} against the code. */
class L7DocsTest {

  @Test
  void everyClassOfDifferencesIsListed() {
    assertThat(L7Docs.firstCells("## Where we decide otherwise than a proxy"))
        .containsExactlyElementsOf(
            Arrays.stream(L7Difference.values()).map(L7Difference::title).toList());
  }

  @Test
  void everyIdThatAPeerIsToldIsListed() {
    assertThat(L7Docs.firstCells("## What a refused peer is told"))
        .containsExactlyElementsOf(
            Arrays.stream(Decision.Cause.values()).map(cause -> "`" + cause.id() + "`").toList());
  }
}
