package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshState;
import io.meshnative.micrometer.MeshMeterBinder;
import io.meshnative.spring.boot.actuate.MeshActuatorAutoConfiguration;
import io.meshnative.spring.boot.actuate.MeshEndpoint;
import io.meshnative.spring.boot.actuate.MeshHealthIndicator;
import io.meshnative.spring.boot.actuate.MeshInfoContributor;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.concurrent.atomic.AtomicReference;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.springframework.boot.actuate.info.Info;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.support.SpringFactoriesLoader;

@EmbeddedMesh
class MeshAutoConfigurationTest {
  private static final String NOBODY = "mesh-native.consul.address=http://127.0.0.1:1";

  private final ApplicationContextRunner bare =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  MeshAutoConfiguration.class,
                  MeshActuatorAutoConfiguration.class,
                  MeshHttpClientAutoConfiguration.class));

  private final ApplicationContextRunner runner;

  MeshAutoConfigurationTest(EmbeddedControlPlane plane) {
    runner =
        bare.withPropertyValues(
            "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
  }

  @Test
  void theClientIsReadyWhenABeanGetsItAndClosedWithTheContext() {
    AtomicReference<MeshClient> kept = new AtomicReference<>();
    runner.run(context -> {
      MeshClient mesh = context.getBean(MeshClient.class);
      assertThat(mesh.service()).isEqualTo("web");
      assertThat(mesh.state()).isEqualTo(MeshState.READY);
      kept.set(mesh);
    });
    assertThat(kept.get().state()).isEqualTo(MeshState.CLOSED);
  }

  @Test
  void theApplicationsNameIsTheServicesUnlessSaidOtherwise(EmbeddedControlPlane plane) {
    bare.withPropertyValues(
            "spring.application.name=billing", "mesh-native.consul.address=" + plane.httpAddr())
        .run(context ->
            assertThat(context.getBean(MeshClient.class).service()).isEqualTo("billing"));
  }

  @Test
  void switchedOffNothingIsThere() {
    runner
        .withPropertyValues("mesh-native.enabled=false", NOBODY)
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBeanNamesForType(Object.class))
              .noneMatch(name -> name.toLowerCase(java.util.Locale.ROOT).contains("mesh"));
        });
  }

  @Test
  void aClientOfTheApplicationsWins(EmbeddedControlPlane plane) {
    runner
        .withPropertyValues(NOBODY)
        .withBean(
            "own",
            MeshClient.class,
            () ->
                MeshClient.builder("own")
                    .consul(
                        io.meshnative.consul.ConsulConfig.builder()
                            .address(plane.httpAddr())
                            .build())
                    .build())
        .run(context -> assertThat(context.getBean(MeshClient.class).service()).isEqualTo("own"));
  }

  @Configuration(proxyBeanMethods = false)
  static class Customized {
    @Bean
    MeshClientBuilderCustomizer jsse() {
      return builder -> builder.tlsProvider(io.meshnative.spi.TlsProvider.jsse());
    }
  }

  @Test
  void customizersHaveTheLastWord() {
    runner
        .withUserConfiguration(Customized.class)
        .run(context ->
            assertThat(context.getBean(MeshClient.class).snapshot().tlsProvider())
                .isEqualTo(io.meshnative.spi.TlsProvider.jsse().name()));
  }

  @Test
  void withoutANameTheReportSaysWhichPropertyToSet(EmbeddedControlPlane plane) {
    bare.withPropertyValues("mesh-native.consul.address=" + plane.httpAddr())
        .run(context -> {
          FailureAnalysis analysis = analyse(context.getStartupFailure());
          assertThat(analysis.getDescription()).contains("spring.application.name");
          assertThat(analysis.getAction()).contains("mesh-native.service");
        });
  }

  @Test
  void withoutAnAgentTheReportSaysWhereItWasLookedForAndWhatToDo() {
    runner
        .withPropertyValues(NOBODY, "mesh-native.startup-timeout=1s")
        .run(context -> {
          FailureAnalysis analysis = analyse(context.getStartupFailure());
          assertThat(analysis.getDescription()).contains("127.0.0.1:1", "1000 ms");
          assertThat(analysis.getAction())
              .contains("mesh-native.consul.address", "mesh-native.startup=background");
        });
  }

  @Test
  void inTheBackgroundItStartsUnreadyAndOutOfService() {
    runner
        .withPropertyValues(NOBODY, "mesh-native.startup=background")
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBean(MeshClient.class).state()).isEqualTo(MeshState.STARTING);
          assertThat(context.getBean(MeshHealthIndicator.class).health().getStatus())
              .isEqualTo(Status.OUT_OF_SERVICE);
        });
  }

  @Test
  void healthTellsTheStateAndNoSecret() {
    runner.run(context -> {
      Health health = context.getBean(MeshHealthIndicator.class).health();
      assertThat(health.getStatus()).isEqualTo(Status.UP);
      assertThat(health.getDetails()).containsKeys("state", "notAfter", "policyVersion");
      assertThat(health.getDetails().toString()).doesNotContain("BEGIN");
    });
  }

  @Test
  void infoSaysWhoTheApplicationIs() {
    runner.run(context -> {
      Info.Builder builder = new Info.Builder();
      context.getBean(MeshInfoContributor.class).contribute(builder);
      assertThat(builder.build().getDetails().toString()).contains("spiffe://", "/svc/web");
    });
  }

  @Test
  void theEndpointIsThereOnlyWhereItsAccessSaysSo() {
    runner
        .withPropertyValues("management.endpoints.web.exposure.include=*")
        .run(context -> assertThat(context).doesNotHaveBean(MeshEndpoint.class));
    runner
        .withPropertyValues(
            "management.endpoints.web.exposure.include=*",
            "management.endpoint.mesh.access=READ_ONLY")
        .run(context -> assertThat(context).hasSingleBean(MeshEndpoint.class));
  }

  @Test
  void theEndpointExplainsBothDirections(EmbeddedControlPlane plane) {
    plane.deny("spy", "web");
    runner
        .withPropertyValues(
            "management.endpoints.web.exposure.include=mesh",
            "management.endpoint.mesh.access=READ_ONLY")
        .run(context -> {
          MeshEndpoint endpoint = context.getBean(MeshEndpoint.class);
          assertThat(endpoint.report().identity()).isNotNull();
          org.awaitility.Awaitility.await()
              .atMost(java.time.Duration.ofSeconds(60))
              .until(() -> !endpoint.explain("why", "spy").allowed());
          assertThat(endpoint.explain("why", "spy").reason()).contains("spy");
          assertThat(endpoint.explain("why-to", "db")).isNotNull();
          assertThat(endpoint.explain("how", "db")).isNull();
        });
  }

  @Test
  void withoutOkHttpModuleTheRestGoesOn() {
    runner
        .withClassLoader(new FilteredClassLoader("io.meshnative.okhttp"))
        .run(context -> {
          assertThat(context).hasNotFailed().hasSingleBean(MeshClient.class);
          assertThat(context).doesNotHaveBean(MeshHttpClientAutoConfiguration.class);
        });
  }

  @Test
  void metersAreBoundByWhoeverHasARegistry() {
    runner.run(context -> {
      SimpleMeterRegistry registry = new SimpleMeterRegistry();
      context.getBean(MeshMeterBinder.class).bindTo(registry);
      assertThat(registry.get("mesh.state").tags("state", "ready").gauge().value()).isEqualTo(1);
    });
    runner
        .withClassLoader(new FilteredClassLoader("io.micrometer"))
        .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("meshMeterBinder"));
  }

  @Test
  void withoutActuatorTheRestGoesOn() {
    runner
        .withClassLoader(
            new FilteredClassLoader(
                "org.springframework.boot.actuate", "org.springframework.boot.health"))
        .run(context -> assertThat(context).hasNotFailed().hasSingleBean(MeshClient.class));
  }

  @Test
  void anOkHttpClientOfTheApplicationsGetsTheMesh() {
    runner
        .withBean("own", OkHttpClient.class, OkHttpClient::new)
        .run(context ->
            assertThat(context.getBean("own", OkHttpClient.class).interceptors()).isNotEmpty());
  }

  private static FailureAnalysis analyse(Throwable failure) {
    assertThat(failure).isNotNull();
    return SpringFactoriesLoader.forDefaultResourceLocation()
        .load(FailureAnalyzer.class, (type, name, failed) -> {}) // some of Boot's want arguments
        .stream()
        .map(analyzer -> analyzer.analyze(failure))
        .filter(java.util.Objects::nonNull)
        .findFirst()
        .orElseThrow();
  }
}
