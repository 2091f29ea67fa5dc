package io.meshnative.intention;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Decision.Cause;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a refused peer is told: programs at the other end compare with these texts. */
class DenialIdsTest {

  @Test
  void everyCauseHasTheIdThatPeersKnow() {
    assertThat(Arrays.stream(Cause.values()).collect(toMap(cause -> cause, Cause::id)))
        .isEqualTo(
            Map.of(
                Cause.INTENTION, "intention",
                Cause.PERMISSION, "permission",
                Cause.DEFAULT, "default",
                Cause.DEFAULT_UNKNOWN, "default-unknown",
                Cause.NEEDS_REQUEST, "needs-request",
                Cause.JWT_UNSUPPORTED, "jwt-unsupported",
                Cause.DEFECTIVE_POLICY, "defective-policy",
                Cause.NO_POLICY, "no-policy",
                Cause.EVALUATION_FAILED, "evaluation-failed"));
  }

  @Test
  void anIdFitsIntoAHeaderAndAStatusMessageUnquoted() {
    assertThat(Cause.values()).allSatisfy(cause -> assertThat(cause.id()).matches("[a-z-]{1,40}"));
  }
}
