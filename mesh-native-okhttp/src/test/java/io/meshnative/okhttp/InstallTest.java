package io.meshnative.okhttp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;

@EmbeddedMesh
class InstallTest {
  private final EmbeddedControlPlane plane;

  InstallTest(EmbeddedControlPlane plane) {
    this.plane = plane;
  }

  private MeshClient client(String service) {
    return MeshClient.builder(service)
        .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
        .build();
  }

  @Test
  void installingTheSameAgainChangesNothing() {
    try (MeshClient web = client("web")) {
      MeshHosts hosts = MeshHosts.defaults().withSuffix("internal");
      OkHttpClient once = MeshOkHttp.install(new OkHttpClient.Builder(), web, hosts).build();
      OkHttpClient twice =
          MeshOkHttp.install(once.newBuilder(), web, MeshHosts.defaults().withSuffix(".internal"))
              .build();

      assertThat(twice.interceptors()).isEqualTo(once.interceptors()).hasSize(1);
      assertThat(twice.networkInterceptors()).isEqualTo(once.networkInterceptors()).hasSize(1);
    }
  }

  @Test
  void anotherIdentityOrOtherOptionsInOneClientAreRefused() {
    try (MeshClient web = client("web");
        MeshClient admin = client("admin")) {
      OkHttpClient.Builder held = MeshOkHttp.install(new OkHttpClient.Builder(), web);

      assertThatThrownBy(() -> MeshOkHttp.install(held, admin))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("as web", "as admin", "without the mesh");
      assertThatThrownBy(
              () -> MeshOkHttp.install(held, web, MeshHosts.defaults().withoutConsulNames()))
          .isInstanceOf(IllegalStateException.class);
      assertThat(held.interceptors()).hasSize(1);
    }
  }

  @Test
  void aClientTellsWhetherItHasTheMesh() {
    try (MeshClient web = client("web")) {
      OkHttpClient.Builder builder = new OkHttpClient.Builder();
      assertThat(MeshOkHttp.isInstalled(builder)).isFalse();
      assertThat(MeshOkHttp.isInstalled(builder.build())).isFalse();

      MeshOkHttp.install(builder, web);

      assertThat(MeshOkHttp.isInstalled(builder)).isTrue();
      assertThat(MeshOkHttp.isInstalled(builder.build().newBuilder().build())).isTrue();
    }
  }
}
