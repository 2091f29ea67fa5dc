package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.micrometer.MeshMeterBinder;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.autoconfigure.info.ConditionalOnEnabledInfoContributor;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.web.annotation.EndpointWebExtension;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.actuate.endpoint.HealthEndpointGroupsPostProcessor;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/** What operators see of the mesh, each part where its library is there. */
@AutoConfiguration(
    after = MeshAutoConfiguration.class,
    afterName =
        "org.springframework.boot.health.autoconfigure.actuate.endpoint.AvailabilityProbesAutoConfiguration")
@ConditionalOnBean(MeshClient.class)
public final class MeshActuatorAutoConfiguration {

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class})
  static class HealthConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "meshHealthIndicator")
    @ConditionalOnEnabledHealthIndicator("mesh")
    MeshHealthIndicator meshHealthIndicator(MeshClient mesh) {
      return new MeshHealthIndicator(mesh);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({HealthEndpointGroupsPostProcessor.class, HealthIndicator.class})
  static class ReadinessConfiguration {
    @Bean
    @ConditionalOnEnabledHealthIndicator("mesh")
    static MeshReadiness meshReadiness(Environment environment) {
      return new MeshReadiness(environment);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({Endpoint.class, ConditionalOnAvailableEndpoint.class})
  static class EndpointConfiguration {
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnAvailableEndpoint(MeshEndpoint.class)
    MeshEndpoint meshEndpoint(MeshClient mesh) {
      return new MeshEndpoint(mesh);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({EndpointWebExtension.class, ConditionalOnAvailableEndpoint.class})
  @ConditionalOnBooleanProperty("mesh-native.status-page.enabled")
  @EnableConfigurationProperties(MeshStatusPageProperties.class)
  static class PageConfiguration {
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    @ConditionalOnAvailableEndpoint(MeshEndpoint.class)
    MeshEndpointPage meshEndpointPage(MeshClient mesh) {
      return new MeshEndpointPage(mesh);
    }
  }

  /** Boot binds every binder to its registries. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(MeterBinder.class)
  static class MetersConfiguration {
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    MeshMeterBinder meshMeterBinder(MeshClient mesh) {
      return new MeshMeterBinder(mesh);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({InfoContributor.class, ConditionalOnEnabledInfoContributor.class})
  static class InfoConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "meshInfoContributor")
    @ConditionalOnEnabledInfoContributor("mesh")
    MeshInfoContributor meshInfoContributor(MeshClient mesh) {
      return new MeshInfoContributor(mesh);
    }
  }
}
