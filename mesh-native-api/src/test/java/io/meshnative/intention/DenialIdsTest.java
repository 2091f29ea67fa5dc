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
            Map.ofEntries(
                Map.entry(Cause.INTENTION, "intention"),
                Map.entry(Cause.PERMISSION, "permission"),
                Map.entry(Cause.DEFAULT, "default"),
                Map.entry(Cause.DEFAULT_UNKNOWN, "default-unknown"),
                Map.entry(Cause.NEEDS_REQUEST, "needs-request"),
                Map.entry(Cause.JWT_UNSUPPORTED, "jwt-unsupported"),
                Map.entry(Cause.DEFECTIVE_POLICY, "defective-policy"),
                Map.entry(Cause.NO_POLICY, "no-policy"),
                Map.entry(Cause.IDENTITY, "identity"),
                Map.entry(Cause.AUTHORIZER, "authorizer"),
                Map.entry(Cause.EVALUATION_FAILED, "evaluation-failed")));
  }

  @Test
  void anIdFitsIntoAHeaderAndAStatusMessageUnquoted() {
    assertThat(Cause.values()).allSatisfy(cause -> assertThat(cause.id()).matches("[a-z-]{1,40}"));
  }
}
