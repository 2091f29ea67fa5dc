package io.meshnative.spring.boot;

import io.meshnative.MeshClient;
import io.meshnative.MeshNotReadyException;
import io.meshnative.StalePolicy;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.spi.ControlPlane;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnExpression;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.server.context.WebServerInitializedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.ImportRuntimeHints;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.Environment;
import org.springframework.core.env.MapPropertySource;

/**
 * The application's {@link MeshClient}, by the properties {@code mesh-native.*}. It is ready before
 * any bean gets it, and closed after all of them have gone.
 */
@AutoConfiguration
@ConditionalOnProperty(prefix = "mesh-native", name = "enabled", matchIfMissing = true)
@EnableConfigurationProperties(MeshProperties.class)
@ImportRuntimeHints(MeshRuntimeHints.class)
public final class MeshAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean({ConsulConfig.class, ControlPlane.class})
  ConsulConfig meshConsulConfig(MeshProperties properties) {
    return consul(properties.consul());
  }

  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  MeshClient meshClient(
      MeshProperties properties,
      Environment environment,
      ObjectProvider<ConsulConfig> consul,
      ObjectProvider<ControlPlane> controlPlane,
      ObjectProvider<MeshClientBuilderCustomizer> customizers) {
    MeshClient.Builder builder = MeshClient.builder(service(properties, environment));
    controlPlane.ifUnique(builder::controlPlane);
    consul.ifUnique(builder::consul);
    if (properties.stale().intentions() != null) {
      builder.stalePolicy(StalePolicy.denyAfter(properties.stale().intentions()));
    }
    customizers.orderedStream().forEach(customizer -> customizer.customize(builder));
    MeshClient client = builder.build();
    if (properties.startup() == MeshProperties.Startup.REQUIRE) {
      awaitReady(client, properties);
    }
    return client;
  }

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty(prefix = "mesh-native.register", name = "enabled")
  MeshRegistration meshRegistration(
      MeshClient client, MeshProperties properties, ObjectProvider<MeshServerPort> servers) {
    return new MeshRegistration(client, properties.register(), properties.shutdownDrain(), servers);
  }

  /** What asks for the web server; on its own, since an application may have none. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(WebServerInitializedEvent.class)
  static class WebServerConfiguration {
    /** Tells the registration where the application's web server listens. */
    @Bean
    static ApplicationListener<WebServerInitializedEvent> meshRegistrationPort(
        ObjectProvider<MeshRegistration> registration) {
      return event -> {
        if (event.getApplicationContext().getServerNamespace() == null) {
          registration.ifAvailable(entry -> entry.webServer(event.getWebServer().getPort()));
        }
      };
    }

    /** Tells tests where the mesh is served, as Boot tells of its own ports. */
    @Bean
    static ApplicationListener<WebServerInitializedEvent> meshPortProperty(
        ObjectProvider<MeshServerPort> servers, ConfigurableEnvironment environment) {
      return event ->
          MeshServerPort.listening(servers.orderedStream().toList())
              .ifPresent(port ->
                  environment
                      .getPropertySources()
                      .addFirst(
                          new MapPropertySource("mesh.ports", Map.of("local.mesh.port", port))));
    }
  }

  @Bean
  @ConditionalOnClass(WebServerInitializedEvent.class)
  @ConditionalOnExpression("'${mesh-native.server.mode:off}'.equalsIgnoreCase('primary')")
  MeshProbes meshProbes(MeshProperties properties, Environment environment) {
    return new MeshProbes(properties, environment);
  }

  private static String service(MeshProperties properties, Environment environment) {
    String named = properties.service();
    String service =
        named != null && !named.isBlank()
            ? named
            : environment.getProperty("spring.application.name", "");
    if (service.isBlank()) {
      throw new MeshServiceNameMissingException();
    }
    return service;
  }

  private static ConsulConfig consul(MeshProperties.Consul consul) {
    ConsulConfig.Builder builder = ConsulConfig.builder();
    given(consul.address(), builder::address);
    given(consul.token(), builder::token);
    given(consul.tokenFile(), builder::tokenFile);
    given(consul.caFile(), builder::caFile);
    given(consul.tlsServerName(), builder::tlsServerName);
    given(consul.namespace(), builder::namespace);
    given(consul.partition(), builder::partition);
    if (consul.clientCertificate() != null || consul.clientKey() != null) {
      if (consul.clientCertificate() == null || consul.clientKey() == null) {
        throw new IllegalArgumentException(
            "expected mesh-native.consul.client-certificate and mesh-native.consul.client-key"
                + " together, found only one of them");
      }
      builder.clientCertificate(consul.clientCertificate(), consul.clientKey());
    }
    if (consul.allowPlaintext()) {
      builder.allowPlaintext(true);
    }
    return builder.environment().build();
  }

  private static <T> void given(@Nullable T value, Consumer<T> setting) {
    if (value != null) {
      setting.accept(value);
    }
  }

  private static void awaitReady(MeshClient client, MeshProperties properties) {
    try {
      client.awaitReady(properties.startupTimeout());
    } catch (MeshNotReadyException e) {
      client.close();
      throw new MeshStartupException(client.service(), properties.startupTimeout(), e);
    } catch (InterruptedException e) {
      client.close();
      Thread.currentThread().interrupt();
      throw new IllegalStateException(
          "interrupted while waiting for the identity of " + client.service(), e);
    } catch (RuntimeException e) {
      client.close();
      throw e;
    }
  }
}
