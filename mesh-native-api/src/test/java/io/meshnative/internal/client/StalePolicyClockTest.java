package io.meshnative.internal.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.StalePolicy;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.spi.IntentionUpdate;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A policy grows old by the time that passes, not by what the clock says the time is. */
class StalePolicyClockTest {
  private static final Duration LIMIT = Duration.ofHours(1);

  /** A clock that stands still unless it is moved. */
  private static final class Standing extends Clock {
    private Instant now = Instant.parse("2030-01-01T00:00:00Z");

    void move(Duration by) {
      now = now.plus(by);
    }

    @Override
    public Instant instant() {
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  private final Standing clock = new Standing();
  private long monotonic;
  private final Publisher publisher = new Publisher(PolicyVersion.denyAll(0, "nothing is loaded"));
  private final Events events = new Events("web", Runnable::run);
  private final PolicyAssembly policy =
      new PolicyAssembly(
          new Intention.Destination("default", "default", "web"),
          publisher,
          StalePolicy.denyAfter(LIMIT),
          clock,
          () -> monotonic,
          new StateBoard("web", "a control plane", clock, events),
          events);
  private final IntentionUpdate update =
      new IntentionUpdate(List.of(), List.of(), DefaultDecision.ALLOW);

  /** A clock that is set back takes none of the monotonic time. */
  private void minutesPass(long minutes) {
    clock.move(Duration.ofMinutes(minutes));
    monotonic += Duration.ofMinutes(Math.max(0, minutes)).toNanos();
    policy.tick();
  }

  private boolean isServing() {
    return publisher.current().policy().loaded();
  }

  @Test
  void aClockThatIsSetBackGivesAStalePolicyNoMoreTime() {
    policy.accept(update);
    policy.failed(new IOException("away"));
    minutesPass(50);
    minutesPass(-40);
    minutesPass(9);
    assertThat(isServing()).isTrue();
    minutesPass(2);
    assertThat(isServing()).isFalse();
  }

  @Test
  void whatWasTooOldStaysSoWhenTheClockIsSetBack() {
    policy.accept(update);
    policy.failed(new IOException("away"));
    minutesPass(61);
    assertThat(isServing()).isFalse();
    minutesPass(-60);
    assertThat(isServing()).isFalse();
    assertThat(policy.tick()).contains("stale policy"); // the state says so as well
    policy.accept(update);
    assertThat(isServing()).isTrue();
    assertThat(policy.tick()).isNull();
  }

  @Test
  void anAnswerStartsTheTimeAnew() {
    policy.accept(update);
    for (int outage = 0; outage < 3; outage++) {
      policy.failed(new IOException("away"));
      minutesPass(40);
      assertThat(isServing()).isTrue();
      policy.accept(update);
      minutesPass(40);
      assertThat(isServing()).isTrue();
    }
  }
}
