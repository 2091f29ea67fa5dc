package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.SynchronizationContext;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RetirementTest {
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private final SynchronizationContext context =
      new SynchronizationContext((thread, thrown) -> failure.set(thrown));
  private final AtomicInteger replaced = new AtomicInteger();
  private final Retirement retirement = new Retirement(context, timer, replaced::incrementAndGet);

  @AfterEach
  void stop() {
    timer.shutdownNow();
    assertThat(failure.get()).isNull();
  }

  @Test
  void connectionsThatGrowOldTogetherAreReplacedTogether() {
    context.execute(() -> {
      retirement.ask(Duration.ofHours(1));
      retirement.ask(Duration.ofHours(1));
      retirement.ask(Duration.ofHours(1));
    });
    assertThat(replaced).hasValue(1);
  }

  @Test
  void aPeerThatShowsTheOldCertificateAgainIsAskedLater() {
    context.execute(() -> {
      retirement.ask(Duration.ofSeconds(2));
      retirement.ask(Duration.ofSeconds(2)); // by the connection that was made in its place
      assertThat(replaced).hasValue(1);
    });
    await().atMost(Town.GUARD).untilAsserted(() -> assertThat(replaced).hasValue(2));
  }

  @Test
  void afterTheEndNothingIsReplaced() {
    context.execute(() -> {
      retirement.ask(Duration.ofHours(1));
      retirement.ask(Duration.ofHours(1));
      retirement.close();
    });
    assertThat(replaced).hasValue(1);
  }
}
