package io.meshnative.spring.boot.test.shop;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import org.junit.jupiter.api.Test;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.test.context.TestConstructor;
import org.springframework.test.context.TestConstructor.AutowireMode;

/** Spring fills the constructor, and JUnit takes a single resolver. Shares ShopTest's context. */
@SpringBootTest(
    webEnvironment = WebEnvironment.RANDOM_PORT,
    properties = "spring.datasource.url=jdbc:h2:mem:shop")
@EmbeddedMesh
@TestConstructor(autowireMode = AutowireMode.ALL)
class ShopConstructorTest {
  private final EmbeddedControlPlane plane;
  private final MeshClient mesh;

  ShopConstructorTest(EmbeddedControlPlane plane, MeshClient mesh) {
    this.plane = plane;
    this.mesh = mesh;
  }

  @Test
  void theConstructorGetsTheApplicationsPlane(EmbeddedControlPlane same) {
    assertThat(same).isSameAs(plane);
    assertThat(mesh.identity().id().toString()).contains(plane.trustDomain());
  }
}
