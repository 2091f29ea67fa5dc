package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrustDomainTest {

  @ParameterizedTest
  @ValueSource(strings = {"one.consul", "5d3b71c7-680d-7b94-bf34-5418c52e3969.consul", "a_b", "1"})
  void namesOfTheStandardAreAccepted(String name) {
    assertThat(TrustDomain.of(name)).hasToString(name);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "One.consul",
        "a/b",
        "a:1",
        "u@a",
        "a%2e",
        "a b",
        "\u00e9",
        "a\u0000",
        "[::1]"
      })
  void T04_otherNamesAreRefusedAndNeverLowered(String name) {
    assertThatThrownBy(() -> TrustDomain.of(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("expected a trust domain");
  }

  @Test
  void T04_namesHaveAtMost255Characters() {
    assertThat(TrustDomain.of("a".repeat(255)).name()).hasSize(255);
    assertThatThrownBy(() -> TrustDomain.of("a".repeat(256)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
