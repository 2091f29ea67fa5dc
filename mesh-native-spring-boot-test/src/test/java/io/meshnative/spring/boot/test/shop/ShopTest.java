package io.meshnative.spring.boot.test.shop;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.io.IOException;
import java.time.Duration;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.core.env.Environment;

/** The whole application: one annotation beside Boot's own. */
@SpringBootTest(
    webEnvironment = WebEnvironment.RANDOM_PORT,
    properties = "spring.datasource.url=jdbc:h2:mem:shop")
@EmbeddedMesh
class ShopTest {
  static final Duration GUARD = Duration.ofSeconds(60);

  @Autowired MeshClient mesh;
  @Autowired ConsulConfig agent;
  @Autowired EmbeddedControlPlane injected;

  @Test
  void theApplicationIsAMemberOfThePlanesMeshAndNotOfProductions(
      EmbeddedControlPlane plane, @Autowired Environment environment) {
    assertThat(plane).isSameAs(injected);
    assertThat(mesh.identity().id().toString()).contains(plane.trustDomain()).endsWith("/svc/shop");
    assertThat(agent.tokenFile()).isEmpty();
    assertThat(agent.caFile()).isEmpty();
    assertThat(environment.getProperty("mesh-native.consul.address"))
        .isEqualTo(plane.address().toString());
  }

  @Test
  void anIntentionOfTheTestDecidesWhoIsServed(EmbeddedControlPlane plane) throws Exception {
    try (MeshClient web = MeshClient.builder("web").consul(agent).build()) {
      web.awaitReady(GUARD);
      OkHttpClient http = MeshOkHttp.install(new OkHttpClient.Builder(), web).build();
      plane.allow("web", "shop");
      await("it is served", () -> get(http).equals("hello"));
      plane.deny("web", "shop");
      await("it is refused", () -> get(http).equals("refused"));
    }
  }

  @Nested
  class Inside {
    @Test
    void aNestedClassSharesContextAndPlane(EmbeddedControlPlane plane, @Autowired MeshClient same) {
      assertThat(plane).isSameAs(injected);
      assertThat(same).isSameAs(mesh);
    }
  }

  @Test
  @EmbeddedMesh(defaultAllow = false)
  void aMethodsOwnPlaneIsNotTheApplications(EmbeddedControlPlane own) {
    assertThat(own).isNotSameAs(injected);
  }

  static void await(String what, java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await(what).atMost(GUARD).until(condition);
  }

  static String get(OkHttpClient http) {
    try (Response response =
        http.newCall(new Request.Builder().url("https://shop.mesh/").build()).execute()) {
      return response.code() == 200 ? response.body().string() : "refused";
    } catch (IOException e) {
      return "refused";
    }
  }
}
