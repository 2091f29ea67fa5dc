package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.MeshSnapshot;
import org.springframework.boot.health.contributor.AbstractHealthIndicator;
import org.springframework.boot.health.contributor.Health;

/**
 * Up while the application can serve and call in the mesh: with a live identity, be the control
 * plane there or away. It belongs into the readiness group, never into the liveness one: a restart
 * brings no identity back.
 */
public final class MeshHealthIndicator extends AbstractHealthIndicator {
  private final MeshClient mesh;

  /**
   * Makes the indicator.
   *
   * @param mesh whose health
   */
  public MeshHealthIndicator(MeshClient mesh) {
    super("the state of the mesh client could not be read");
    this.mesh = mesh;
  }

  @Override
  protected void doHealthCheck(Health.Builder builder) {
    MeshSnapshot now = mesh.snapshot();
    switch (now.state()) {
      case READY, STALE -> builder.up();
      case STARTING -> builder.outOfService();
      case EXPIRED, CLOSED -> builder.down();
    }
    builder
        .withDetail("state", now.state())
        .withDetail("service", now.service())
        .withDetail("trustGeneration", now.trustGeneration())
        .withDetail("policyVersion", now.policyVersion());
    now.identity().ifPresent(identity -> builder.withDetail("notAfter", identity.notAfter()));
    now.contact()
        .lastAnswer()
        .ifPresent(answer -> builder.withDetail("controlPlaneLastAnswer", answer));
    if (!now.contact().failing().isEmpty()) {
      MeshSnapshot.Failing first = now.contact().failing().get(0);
      builder
          .withDetail("controlPlaneFailingSince", first.since())
          .withDetail("controlPlaneFailure", first.source() + ": " + first.reason());
    }
    now.policyDefect().ifPresent(defect -> builder.withDetail("policyDefect", defect));
  }
}
