package io.meshnative.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.micrometer.MeshMeterBinder;
import io.meshnative.okhttp.MeshHosts;
import io.meshnative.spring.boot.actuate.MeshActuatorAutoConfiguration;
import io.meshnative.spring.boot.actuate.MeshEndpoint;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import io.meshnative.spring.boot.jdbc.MeshJdbcAutoConfiguration;
import io.meshnative.spring.boot.security.MeshPeerAuthorities;
import io.meshnative.spring.boot.security.MeshSecurityAutoConfiguration;
import io.meshnative.spring.boot.server.MeshServletServerAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.EmbeddedMesh;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.ReactiveWebApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * Which beans there are, by what is on the class path and what the application says. The
 * application's client waits for no agent here.
 */
@EmbeddedMesh
class ConditionsTest {
  private static final AutoConfigurations ALL =
      AutoConfigurations.of(
          MeshAutoConfiguration.class,
          MeshActuatorAutoConfiguration.class,
          MeshHttpClientAutoConfiguration.class,
          MeshJdbcAutoConfiguration.class,
          MeshServletServerAutoConfiguration.class,
          MeshSecurityAutoConfiguration.class);

  private static final String[] PROPERTIES = {
    "mesh-native.service=web",
    "mesh-native.consul.address=http://127.0.0.1:1",
    "mesh-native.startup=background",
    "mesh-native.server.mode=additional",
    "mesh-native.register.enabled=true",
    "management.endpoints.web.exposure.include=*",
    "management.endpoint.mesh.access=READ_ONLY"
  };

  private final WebApplicationContextRunner servlet =
      new WebApplicationContextRunner().withConfiguration(ALL).withPropertyValues(PROPERTIES);

  private final ApplicationContextRunner bare =
      new ApplicationContextRunner().withConfiguration(ALL).withPropertyValues(PROPERTIES);

  @Test
  void withEverythingThereIsEverything() {
    servlet.run(context -> {
      assertThat(context).hasNotFailed();
      assertThat(context.getBeanDefinitionNames())
          .contains(
              "meshConsulConfig",
              "meshClient",
              "meshRegistration",
              "meshPortProperty",
              "meshHealthIndicator",
              "meshEndpoint",
              "meshMeterBinder",
              "meshInfoContributor",
              "meshHosts",
              "meshHttp",
              "meshOkHttpPostProcessor",
              "meshRequestFactories",
              "meshConnectors",
              "meshJdbcUrls",
              "meshConnectionDetails",
              "meshHikariPools",
              "meshTomcatServer",
              "meshJettyServer",
              "meshPrincipalFilter",
              "meshPeerArguments",
              "meshPeerAuthorities",
              "meshPeerAuthentication");
    });
  }

  @ParameterizedTest
  @CsvSource({
    "io.meshnative.okhttp, meshHosts meshHttp meshOkHttpPostProcessor meshRequestFactories",
    "org.springframework.boot.http.client, meshRequestFactories meshConnectors",
    "org.springframework.web.client.RestClient, meshRequestFactories",
    "reactor.core, meshConnectors",
    "io.meshnative.jdbc, meshJdbcUrls meshConnectionDetails meshHikariPools",
    "org.springframework.boot.jdbc, meshJdbcUrls meshConnectionDetails meshHikariPools",
    "com.zaxxer.hikari, meshHikariPools",
    "org.apache.catalina, meshTomcatServer",
    "org.springframework.boot.tomcat, meshTomcatServer",
    "org.eclipse.jetty, meshJettyServer",
    "org.springframework.boot.jetty, meshJettyServer",
    "io.meshnative.servlet, meshTomcatServer meshJettyServer meshPrincipalFilter"
        + " meshPeerArguments meshPeerAuthentication",
    "org.springframework.web.servlet.mvc, meshPeerArguments",
    "org.springframework.security, meshPeerAuthorities meshPeerAuthentication",
    "org.springframework.security.config, meshPeerAuthorities meshPeerAuthentication",
    "org.springframework.security.web, meshPeerAuthentication",
    "org.springframework.boot.actuate, meshEndpoint meshInfoContributor",
    "org.springframework.boot.health, meshHealthIndicator",
    "io.micrometer, meshMeterBinder"
  })
  void whereALibraryIsMissingItsBeansAreAndTheRestGoesOn(String missing, String gone) {
    servlet
        .withClassLoader(new FilteredClassLoader(missing))
        .run(context -> {
          assertThat(context).hasNotFailed().hasSingleBean(MeshClient.class);
          assertThat(context.getBeanDefinitionNames()).doesNotContain(gone.split(" "));
        });
  }

  @ParameterizedTest
  @CsvSource({
    "mesh-native.client.enabled=false, meshHosts meshHttp meshOkHttpPostProcessor meshJdbcUrls",
    "mesh-native.server.mode=off, meshTomcatServer meshJettyServer meshPrincipalFilter",
    "mesh-native.security.enabled=false, meshPeerAuthorities meshPeerAuthentication",
    "mesh-native.register.enabled=false, meshRegistration",
    "management.health.mesh.enabled=false, meshHealthIndicator",
    "management.info.mesh.enabled=false, meshInfoContributor",
    "management.endpoint.mesh.access=NONE, meshEndpoint"
  })
  void whatIsSwitchedOffIsNotThereAndTheRestGoesOn(String property, String gone) {
    servlet
        .withPropertyValues(property)
        .run(context -> {
          assertThat(context).hasNotFailed().hasSingleBean(MeshClient.class);
          assertThat(context.getBeanDefinitionNames()).doesNotContain(gone.split(" "));
        });
  }

  @Test
  void withoutAWebServerThereIsNoServerOfTheMeshAndNobodyToAuthenticate() {
    bare.run(context -> {
      assertThat(context).hasNotFailed().hasSingleBean(MeshClient.class);
      assertThat(context.getBeanDefinitionNames())
          .doesNotContain(
              "meshTomcatServer",
              "meshJettyServer",
              "meshPrincipalFilter",
              "meshPeerAuthorities",
              "meshPeerAuthentication");
    });
  }

  @Test
  void aReactiveApplicationHasNothingOfServlets() {
    new ReactiveWebApplicationContextRunner()
        .withConfiguration(ALL)
        .withPropertyValues(PROPERTIES)
        .run(context -> {
          assertThat(context).hasNotFailed().hasSingleBean(MeshPeerAuthorities.class);
          assertThat(context.getBeanDefinitionNames())
              .contains("meshPeerAuthentication")
              .doesNotContain("meshTomcatServer", "meshPrincipalFilter", "meshPeerArguments");
        });
    new ReactiveWebApplicationContextRunner()
        .withConfiguration(ALL)
        .withPropertyValues(PROPERTIES)
        .withClassLoader(new FilteredClassLoader("io.meshnative.reactor.netty"))
        .run(context ->
            assertThat(context).hasNotFailed().doesNotHaveBean("meshPeerAuthentication"));
  }

  @Test
  void switchedOffNothingOfTheStarterIsThereNorRuns() {
    List<String> before = threads();
    servlet
        .withPropertyValues("mesh-native.enabled=false")
        .withBean("own", OkHttpClient.class, OkHttpClient::new)
        .run(context -> {
          assertThat(context).hasNotFailed();
          for (String name : context.getBeanDefinitionNames()) {
            assertThat(context.getBean(name).getClass().getName())
                .as(name)
                .doesNotStartWith("io.meshnative");
          }
          assertThat(context.getBean("own", OkHttpClient.class).interceptors()).isEmpty();
          assertThat(threads()).isSubsetOf(before);
        });
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("mesh-"))
        .toList();
  }

  @Configuration(proxyBeanMethods = false)
  static class Own {
    @Bean
    MeshEndpoint endpoint(MeshClient mesh) {
      return new MeshEndpoint(mesh);
    }

    @Bean
    MeshMeterBinder meters(MeshClient mesh) {
      return new MeshMeterBinder(mesh);
    }
  }

  @Test
  void beansOfTheApplicationsOwnWin(EmbeddedControlPlane plane) {
    MeshHosts hosts = MeshHosts.defaults().withSuffix("internal");
    ConsulConfig consul = ConsulConfig.builder().address(plane.httpAddr()).build();
    MeshPeerAuthorities authorities = peer -> List.of();
    HealthIndicator health = () -> null;
    servlet
        .withPropertyValues("mesh-native.startup=require")
        .withBean("hosts", MeshHosts.class, same(hosts))
        .withBean("consul", ConsulConfig.class, same(consul))
        .withBean("authorities", MeshPeerAuthorities.class, same(authorities))
        .withBean("meshHealthIndicator", HealthIndicator.class, same(health))
        .withUserConfiguration(Own.class)
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBean(MeshHosts.class)).isSameAs(hosts);
          assertThat(context.getBean(ConsulConfig.class)).isSameAs(consul);
          assertThat(context.getBean(MeshPeerAuthorities.class)).isSameAs(authorities);
          assertThat(context.getBean("meshHealthIndicator")).isSameAs(health);
          assertThat(context).hasSingleBean(MeshEndpoint.class);
          assertThat(context).hasSingleBean(MeshMeterBinder.class);
          assertThat(Arrays.asList(context.getBeanDefinitionNames()))
              .doesNotContain(
                  "meshHosts",
                  "meshConsulConfig",
                  "meshPeerAuthorities",
                  "meshEndpoint",
                  "meshMeterBinder");
        });
  }

  private static <T> Supplier<T> same(T one) {
    return () -> one;
  }
}
