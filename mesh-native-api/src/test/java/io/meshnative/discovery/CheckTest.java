package io.meshnative.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckTest {
  private static final Duration TEN = Duration.ofSeconds(10);

  @Test
  void aRegistrationReportsItselfUnlessToldOtherwise() {
    assertThat(Registration.of(1).checks()).containsExactly(Registration.defaultCheck());
    assertThat(Registration.ofListener().checks()).hasSize(1);
    assertThat(
            new Registration(Optional.empty(), Optional.empty(), 1, List.of(), Map.of(), 1)
                .checks())
        .containsExactly(Registration.defaultCheck());
    assertThat(Registration.defaultCheck().kind()).isEqualTo(Check.Kind.TTL);
    assertThat(Registration.of(1).withoutChecks().checks()).isEmpty();
  }

  @Test
  void copiesKeepTheChecksAndThePortCanBeFilledIn() {
    Check check = Check.tcp("h:1", TEN);
    Registration registration =
        Registration.ofListener()
            .withChecks(check)
            .withId("x")
            .withAddress("h")
            .withTags("t")
            .withMeta(Map.of("a", "b"))
            .withWeight(3)
            .withPort(7);
    assertThat(registration.checks()).containsExactly(check);
    assertThat(registration.port()).isEqualTo(7);
    assertThat(registration.id()).contains("x");
  }

  @Test
  void checksOfTheAgentStartCriticalAndOwnReportsPassing() {
    assertThat(Check.ttl(TEN).initial()).isEqualTo(Check.Status.PASSING);
    assertThat(Check.tcp("h:1", TEN).initial()).isEqualTo(Check.Status.CRITICAL);
    assertThat(Check.grpc("h:1", TEN).startingAs(Check.Status.WARNING).initial().text())
        .isEqualTo("warning");
  }

  @ParameterizedTest
  @ValueSource(strings = {"h", "h:", ":1", "h:x", "h:1/x", "a b:1", "u@h:1"})
  void aTcpTargetThatIsNoneIsRefused(String target) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Check.tcp(target, TEN))
        .withMessageContaining("expected host:port");
  }

  @Test
  void timesThatTheAgentWouldNotTakeAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Check.ttl(Duration.ofMillis(999)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Check.ttl(TEN).deregisteringAfter(Duration.ofSeconds(59)))
        .withMessageContaining("at least a minute");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Check.ttl(TEN).withTimeout(Duration.ZERO));
  }

  @Test
  void aPasswordInAUrlIsRefusedAndNotShown() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Check.http(URI.create("http://u:hunter2@h/x"), TEN))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
    assertThatIllegalArgumentException().isThrownBy(() -> Check.http(URI.create("ftp://h/x"), TEN));
  }
}
