package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshCallOptions;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

@EmbeddedMesh
class OkHttpBeansTest {
  private final ApplicationContextRunner runner;

  OkHttpBeansTest(EmbeddedControlPlane plane) {
    runner =
        new ApplicationContextRunner()
            .withConfiguration(
                AutoConfigurations.of(
                    MeshAutoConfiguration.class, MeshHttpClientAutoConfiguration.class))
            .withPropertyValues(
                "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
  }

  @Configuration(proxyBeanMethods = false)
  static class Clients {
    @Bean
    OkHttpClient plain() {
      return new OkHttpClient();
    }

    @Bean
    OkHttpClient own(MeshClient mesh) {
      return MeshOkHttp.install(
              new OkHttpClient.Builder(),
              mesh,
              MeshCallOptions.defaults().withRedirects(MeshCallOptions.Border.BETWEEN_SERVICES))
          .build();
    }

    @Bean
    OkHttpClient.Builder builder() {
      return new OkHttpClient.Builder();
    }

    @Bean
    OkHttpClient derived(OkHttpClient.Builder builder) {
      return builder.build();
    }
  }

  @Test
  void eachClientHasTheMeshOnceAndKeepsTheOneThatTheApplicationInstalled() {
    runner
        .withUserConfiguration(Clients.class)
        .run(context -> {
          for (String name : new String[] {"plain", "own", "derived"}) {
            OkHttpClient client = context.getBean(name, OkHttpClient.class);
            assertThat(MeshOkHttp.isInstalled(client)).as(name).isTrue();
            assertThat(client.interceptors()).as(name).hasSize(1);
            assertThat(client.networkInterceptors()).as(name).hasSize(1);
          }
          assertThat(MeshOkHttp.isInstalled(context.getBean(OkHttpClient.Builder.class))).isTrue();
          assertThat(context.getBean("own", OkHttpClient.class).interceptors().get(0))
              .asString()
              .contains("BETWEEN_SERVICES");
        });
  }
}
