package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.meshnative.identity.ConsulId;
import java.lang.management.ManagementFactory;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Allowing must not feed the garbage collector: it happens on every request. */
@Tag("P7")
class AllocationTest {
  private static final int DECISIONS = 20_000;
  private static final ConsulId.Service WEB = Rules.caller("web");

  @Test
  void allowingAConnectionAllocatesNothing() {
    IntentionTable table =
        Rules.table(DefaultDecision.DENY, Rules.allow("web", "api"), Rules.deny("*", "*"));

    assertThat(bytesPerDecision(() -> table.decide(WEB))).isLessThan(1);
  }

  @Test
  void allowingARequestByItsPathAllocatesNothing() {
    IntentionTable table =
        Rules.table(
            DefaultDecision.DENY,
            Rules.permissions(
                "web",
                "api",
                Rules.denyPath(Permission.PathKind.PREFIX, "/admin"),
                Rules.allowPath(Permission.PathKind.EXACT, "/v1"),
                Rules.onMethods(Intention.Action.ALLOW, "GET")));
    HttpRequestView request = Rules.get("/v2");

    assertThat(bytesPerDecision(() -> table.decide(WEB, request))).isLessThan(1);
  }

  private static double bytesPerDecision(Supplier<Decision> decide) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    @SuppressWarnings("deprecation") // its successor came with Java 19
    long thread = Thread.currentThread().getId();
    long least = Long.MAX_VALUE;
    // The best of several rounds: class loading and compilation allocate too, once.
    for (int round = 0; round < 5; round++) {
      long before = threads.getThreadAllocatedBytes(thread);
      for (int i = 0; i < DECISIONS; i++) {
        if (!decide.get().isAllowed()) {
          throw new AssertionError("expected what is measured to be allowed");
        }
      }
      least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
    }
    return (double) least / DECISIONS;
  }
}
