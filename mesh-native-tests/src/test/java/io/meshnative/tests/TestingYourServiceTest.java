package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** The ten lines of {@code docs/testing.md}, so that they stay true. */
@EmbeddedMesh(defaultAllow = false)
class TestingYourServiceTest {
  @Test
  void onlyWebMayCallBilling(EmbeddedControlPlane plane) throws Exception {
    plane.allow("web", "billing");
    ConsulConfig agent = ConsulConfig.builder().address(plane.address().toString()).build();
    try (MeshClient billing = MeshClient.builder("billing").consul(agent).build()) {
      billing.awaitReady(Duration.ofSeconds(30));
      assertThat(billing.explain("web").isAllowed()).isTrue();
      assertThat(billing.explain("batch").isAllowed()).isFalse();
      plane.deny("web", "billing");
      Awaitility.await().until(() -> !billing.explain("web").isAllowed());
    }
  }
}
