package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

@EmbeddedMesh(datacenter = "dc7")
class EmbeddedMeshTest {
  private final EmbeddedControlPlane ofClass;

  EmbeddedMeshTest(EmbeddedControlPlane ofClass) {
    this.ofClass = ofClass;
  }

  @Test
  void aTestGetsThePlaneOfItsClass(EmbeddedControlPlane plane) {
    assertThat(plane).isSameAs(ofClass);
    assertThat(plane.datacenter()).isEqualTo("dc7");
    assertThat(new Agent(plane).get("/v1/agent/self").text("Config", "Datacenter"))
        .isEqualTo("dc7");
  }

  @Test
  @EmbeddedMesh(defaultAllow = false)
  void aMethodMayHaveAPlaneOfItsOwn(EmbeddedControlPlane plane) {
    assertThat(plane).isNotSameAs(ofClass);
    assertThat(new Agent(plane).authorize("a", "b").at("Authorized")).isEqualTo(false);
  }

  @Nested
  class Inside {
    @Test
    void aNestedClassSharesThePlane(EmbeddedControlPlane plane) {
      assertThat(plane).isSameAs(ofClass);
    }
  }
}
