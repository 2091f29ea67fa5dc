package io.meshnative.spring.boot.test.shop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.ArrayList;
import java.util.List;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;

/** Test classes one after the other, as a build runs them. */
class ContextCachingTest {
  private static final List<EmbeddedControlPlane> PLANES = new ArrayList<>();

  private static OkHttpClient http(MeshClient web) throws Exception {
    web.awaitReady(ShopTest.GUARD);
    return MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
  }

  @SpringBootTest(
      webEnvironment = WebEnvironment.RANDOM_PORT,
      properties = "spring.datasource.url=jdbc:h2:mem:shop")
  @EmbeddedMesh
  static class First {
    @Test
    void itDenies(EmbeddedControlPlane plane, @Autowired ConsulConfig agent) throws Exception {
      PLANES.add(plane);
      plane.deny("web", "shop");
      try (MeshClient web = MeshClient.builder("web").consul(agent).build()) {
        OkHttpClient http = http(web);
        ShopTest.await("it is refused", () -> ShopTest.get(http).equals("refused"));
      }
    }
  }

  @SpringBootTest(properties = "spring.datasource.url=jdbc:h2:mem:shop")
  @EmbeddedMesh(defaultAllow = false)
  static class AnotherWish {
    @Test
    void itHasAnotherPlane(EmbeddedControlPlane plane, @Autowired MeshClient mesh) {
      PLANES.add(plane);
      assertThat(mesh.identity().id().toString()).contains(plane.trustDomain());
      assertThat(mesh.explain("web").isAllowed()).isFalse();
    }
  }

  @SpringBootTest(
      webEnvironment = WebEnvironment.RANDOM_PORT,
      properties = "spring.datasource.url=jdbc:h2:mem:shop")
  @EmbeddedMesh
  static class Again {
    /** Spring has paused the context in between. */
    @Test
    void itIsServedAsIfNothingHadBeenDenied(
        EmbeddedControlPlane plane, @Autowired ConsulConfig agent) throws Exception {
      PLANES.add(plane);
      try (MeshClient web = MeshClient.builder("web").consul(agent).build()) {
        OkHttpClient http = http(web);
        ShopTest.await("it is served", () -> ShopTest.get(http).equals("hello"));
      }
    }
  }

  @Test
  void equalWishesShareAContextAndItsPlaneButNoIntentions() {
    PLANES.clear();
    EngineTestKit.engine("junit-jupiter")
        .selectors(
            selectClass(First.class), selectClass(AnotherWish.class), selectClass(Again.class))
        .execute()
        .testEvents()
        .assertStatistics(events -> events.succeeded(3).failed(0));
    assertThat(PLANES).hasSize(3);
    assertThat(PLANES.get(2)).isSameAs(PLANES.get(0));
    assertThat(PLANES.get(1)).isNotSameAs(PLANES.get(0));
  }
}
