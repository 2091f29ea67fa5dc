package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.micrometer.MeshHandshakeContext;
import io.meshnative.micrometer.MeshHandshakeObservationConvention;
import io.meshnative.spring.boot.actuate.MeshActuatorAutoConfiguration;
import io.meshnative.spring.boot.actuate.MeshEndpoint;
import io.meshnative.spring.boot.actuate.MeshEndpointPage;
import io.meshnative.spring.boot.actuate.MeshObservationAutoConfiguration;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.http.client.autoconfigure.HttpClientAutoConfiguration;
import org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration;
import org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestClientAutoConfiguration;
import org.springframework.boot.restclient.autoconfigure.RestClientObservationAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.web.client.RestClient;

/** Handshakes in the traces of an application, and what switches them off. */
@EmbeddedMesh
class MeshObservationAutoConfigurationTest {
  private static Application db;

  private final ApplicationContextRunner runner;

  @BeforeAll
  static void start(EmbeddedControlPlane plane) throws Exception {
    db = new Application(plane, "db");
  }

  @AfterAll
  static void stop() {
    db.close();
  }

  MeshObservationAutoConfigurationTest(EmbeddedControlPlane plane) {
    runner =
        new ApplicationContextRunner()
            .withConfiguration(
                AutoConfigurations.of(
                    MeshAutoConfiguration.class,
                    MeshActuatorAutoConfiguration.class,
                    MeshObservationAutoConfiguration.class,
                    MeshHttpClientAutoConfiguration.class,
                    ObservationAutoConfiguration.class,
                    HttpClientAutoConfiguration.class,
                    ImperativeHttpClientAutoConfiguration.class,
                    RestClientAutoConfiguration.class,
                    RestClientObservationAutoConfiguration.class))
            .withPropertyValues(
                "mesh-native.service=web", "mesh-native.consul.address=" + plane.httpAddr());
  }

  /** Keeps what has ended. */
  static final class Kept implements ObservationHandler<Observation.Context> {
    final List<Observation.Context> ended = new CopyOnWriteArrayList<>();

    @Override
    public boolean supportsContext(Observation.Context context) {
      return true;
    }

    @Override
    public void onStop(Observation.Context context) {
      ended.add(context);
    }

    Observation.Context only(String name) {
      List<Observation.Context> found =
          ended.stream().filter(each -> name.equals(each.getName())).toList();
      assertThat(found).as(name).hasSize(1);
      return found.get(0);
    }
  }

  @Test
  void aHandshakeIsAChildOfTheRequestThatWantsTheConnection() {
    runner
        .withBean(Kept.class)
        .run(context -> {
          RestClient rest = context.getBean(RestClient.Builder.class).build();
          assertThat(rest.get().uri("https://db.mesh/x").retrieve().body(String.class))
              .isEqualTo("db GET /x");
          Kept kept = context.getBean(Kept.class);
          Observation.Context request = kept.only("http.client.requests");
          Observation.Context handshake = kept.only("mesh.client.handshake");
          assertThat(Objects.requireNonNull(handshake.getParentObservation()).getContextView())
              .isSameAs(request);
        });
  }

  @Test
  void aConventionOfTheApplicationsIsUsed() {
    MeshHandshakeObservationConvention own =
        new MeshHandshakeObservationConvention() {
          @Override
          public String getContextualName(MeshHandshakeContext context) {
            return "hello";
          }
        };
    runner
        .withBean(Kept.class)
        .withBean(MeshHandshakeObservationConvention.class, () -> own)
        .run(context -> {
          RestClient rest = context.getBean(RestClient.Builder.class).build();
          rest.get().uri("https://db.mesh/x").retrieve().toBodilessEntity();
          assertThat(context.getBean(Kept.class).only("mesh.client.handshake").getContextualName())
              .isEqualTo("hello");
        });
  }

  @Test
  void aPropertySwitchesThemOff() {
    runner
        .withBean(Kept.class)
        .withPropertyValues("management.observations.enable.mesh=false")
        .run(context -> {
          RestClient rest = context.getBean(RestClient.Builder.class).build();
          rest.get().uri("https://db.mesh/x").retrieve().toBodilessEntity();
          assertThat(context.getBean(Kept.class).ended)
              .extracting(Observation.Context::getName)
              .containsExactly("http.client.requests");
        });
  }

  @Test
  void withoutObservationTheRestGoesOn() {
    runner
        .withClassLoader(new FilteredClassLoader("io.micrometer.observation"))
        .run(context ->
            assertThat(context)
                .hasNotFailed()
                .hasSingleBean(MeshClient.class)
                .doesNotHaveBean("meshObservations"));
  }

  @Test
  void thePageIsThereOnlyWhereItsPropertyAndTheEndpointsAccessSaySo() {
    runner
        .withPropertyValues(
            "management.endpoints.web.exposure.include=*",
            "management.endpoint.mesh.access=READ_ONLY")
        .run(context ->
            assertThat(context)
                .hasSingleBean(MeshEndpoint.class)
                .doesNotHaveBean(MeshEndpointPage.class));
    runner
        .withPropertyValues(
            "management.endpoints.web.exposure.include=*", "mesh-native.status-page.enabled=true")
        .run(context -> assertThat(context).doesNotHaveBean(MeshEndpointPage.class));
    runner
        .withPropertyValues(
            "management.endpoints.web.exposure.include=*",
            "management.endpoint.mesh.access=READ_ONLY",
            "mesh-native.status-page.enabled=true")
        .run(context -> assertThat(context).hasSingleBean(MeshEndpointPage.class));
  }
}
