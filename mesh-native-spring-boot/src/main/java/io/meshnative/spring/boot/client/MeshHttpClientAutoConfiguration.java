package io.meshnative.spring.boot.client;

import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshHosts;
import io.meshnative.okhttp.MeshOkHttp;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.spring.boot.MeshProperties;
import okhttp3.OkHttpClient;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.http.client.ClientHttpRequestFactoryBuilder;
import org.springframework.boot.http.client.reactive.ClientHttpConnectorBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.http.client.reactive.ClientHttpConnector;
import org.springframework.web.client.RestClient;
import reactor.core.publisher.Mono;

/**
 * Calls of {@code RestClient}, {@code RestTemplate}, {@code WebClient}, HTTP interface clients and
 * of {@link OkHttpClient} beans go into the mesh where their host is a mesh host, and are left
 * alone elsewhere.
 */
@AutoConfiguration(after = MeshAutoConfiguration.class)
@ConditionalOnClass({MeshOkHttp.class, OkHttpClient.class})
@ConditionalOnBean(MeshClient.class)
@ConditionalOnProperty(prefix = "mesh-native.client", name = "enabled", matchIfMissing = true)
public final class MeshHttpClientAutoConfiguration {

  @Bean
  @ConditionalOnMissingBean
  MeshHosts meshHosts(MeshProperties properties) {
    MeshHosts hosts = MeshHosts.defaults().withSuffix(properties.client().hostSuffix());
    return properties.client().consulNames() ? hosts : hosts.withoutConsulNames();
  }

  @Bean(destroyMethod = "close")
  @ConditionalOnMissingBean
  MeshHttp meshHttp(MeshClient mesh, MeshHosts hosts) {
    return new MeshHttp(mesh, hosts);
  }

  /** Gives clients that the application made by itself the mesh, too. */
  @Bean
  static BeanPostProcessor meshOkHttpPostProcessor(
      ObjectProvider<MeshClient> mesh, ObjectProvider<MeshHosts> hosts) {
    return new BeanPostProcessor() {
      @Override
      public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof OkHttpClient client
            && bean.getClass() == OkHttpClient.class
            && !MeshOkHttp.isInstalled(client)) {
          return MeshOkHttp.install(client.newBuilder(), mesh.getObject(), hosts.getObject())
              .build();
        }
        if (bean instanceof OkHttpClient.Builder builder && !MeshOkHttp.isInstalled(builder)) {
          return MeshOkHttp.install(builder, mesh.getObject(), hosts.getObject());
        }
        return bean;
      }
    };
  }

  /**
   * For {@code RestClient} and {@code RestTemplate}. Boot's customizers would not see a builder
   * that the application defines itself, whose calls to mesh hosts would go to DNS.
   */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({RestClient.class, ClientHttpRequestFactoryBuilder.class})
  static class Imperative {
    @Bean
    static BeanPostProcessor meshRequestFactories(ObjectProvider<MeshHttp> http) {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          return bean instanceof ClientHttpRequestFactoryBuilder<?> builder
              ? wrapped(builder, http)
              : bean;
        }
      };
    }

    private static ClientHttpRequestFactoryBuilder<ClientHttpRequestFactory> wrapped(
        ClientHttpRequestFactoryBuilder<?> builder, ObjectProvider<MeshHttp> mesh) {
      return settings -> {
        MeshHttp http = mesh.getObject();
        return new MeshClientHttpRequestFactory(
            builder.build(settings), http.calls(HttpTimeouts.of(settings)), http.routing());
      };
    }
  }

  /** For {@code WebClient}. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({Mono.class, ClientHttpConnectorBuilder.class})
  static class Reactive {
    @Bean
    static BeanPostProcessor meshConnectors(ObjectProvider<MeshHttp> http) {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          return bean instanceof ClientHttpConnectorBuilder<?> builder
              ? wrapped(builder, http)
              : bean;
        }
      };
    }

    private static ClientHttpConnectorBuilder<ClientHttpConnector> wrapped(
        ClientHttpConnectorBuilder<?> builder, ObjectProvider<MeshHttp> mesh) {
      return settings -> {
        MeshHttp http = mesh.getObject();
        return new MeshClientHttpConnector(
            builder.build(settings), http.calls(HttpTimeouts.of(settings)), http.routing());
      };
    }
  }
}
