package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.spring.boot.actuate.MeshHealthIndicator;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

/** What the health says of each state, as one client goes through them. */
@Timeout(180)
class MeshHealthTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  private static void await(MeshClient mesh, MeshState state) {
    Awaitility.await(state.name()).atMost(GUARD).until(() -> mesh.state() == state);
  }

  @Test
  void itIsUpWhileTheIdentityLivesAndDownAfterwards() throws Exception {
    AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);
    InstantSource time = () -> Instant.now().plus(ahead.get());
    EmbeddedControlPlane plane = EmbeddedControlPlane.start();
    MeshClient mesh =
        MeshClient.builder("web")
            .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
            .clock(new SourcedClock(time))
            .build();
    try (mesh;
        plane) {
      MeshHealthIndicator indicator = new MeshHealthIndicator(mesh);
      mesh.awaitReady(GUARD);
      await(mesh, MeshState.READY);
      Health ready = indicator.health();
      assertThat(ready.getStatus()).isEqualTo(Status.UP);
      assertThat(ready.getDetails())
          .containsEntry("state", MeshState.READY)
          .containsKeys("service", "notAfter", "trustGeneration", "policyVersion")
          .containsKey("controlPlaneLastAnswer")
          .doesNotContainKeys("controlPlaneFailure", "controlPlaneFailingSince");

      plane.close();

      await(mesh, MeshState.STALE);
      Health stale = indicator.health();
      assertThat(stale.getStatus()).isEqualTo(Status.UP);
      assertThat(stale.getDetails())
          .containsEntry("state", MeshState.STALE)
          .containsKeys(
              "controlPlaneLastAnswer", "controlPlaneFailure", "controlPlaneFailingSince");
      assertThat(mesh.snapshot().contact().lag(Instant.now().plusSeconds(3600)))
          .isGreaterThan(Duration.ofMinutes(50));

      ahead.set(Duration.ofDays(30));

      await(mesh, MeshState.EXPIRED);
      assertThat(indicator.health().getStatus()).isEqualTo(Status.DOWN);
    }
    Health closed = new MeshHealthIndicator(mesh).health();
    assertThat(closed.getStatus()).isEqualTo(Status.DOWN);
    assertThat(closed.getDetails()).containsEntry("state", MeshState.CLOSED);
  }

  private static final class SourcedClock extends Clock {
    private final InstantSource source;

    SourcedClock(InstantSource source) {
      this.source = source;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }

    @Override
    public Instant instant() {
      return source.instant();
    }
  }
}
