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
import org.springframework.boot.http.client.autoconfigure.ClientHttpRequestFactoryBuilderCustomizer;
import org.springframework.boot.http.client.autoconfigure.reactive.ClientHttpConnectorBuilderCustomizer;
import org.springframework.boot.http.client.reactive.ClientHttpConnectorBuilder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.http.client.reactive.ClientHttpConnector;
import org.springframework.web.client.RestClient;
import reactor.core.publisher.Mono;

/**
 * Calls of {@code RestClient}, {@code RestTemplate}, {@code WebClient}, HTTP interface clients and
 * of {@link OkHttpClient} beans go into the mesh where their host is a mesh host, and are left
 * alone elsewhere.
 */
@AutoConfiguration(
    after = MeshAutoConfiguration.class,
    beforeName = {
      "org.springframework.boot.http.client.autoconfigure.imperative.ImperativeHttpClientAutoConfiguration",
      "org.springframework.boot.http.client.autoconfigure.reactive.ReactiveHttpClientAutoConfiguration"
    })
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
        return bean instanceof OkHttpClient client && bean.getClass() == OkHttpClient.class
            ? MeshOkHttp.install(client.newBuilder(), mesh.getObject(), hosts.getObject()).build()
            : bean;
      }
    };
  }

  /** For {@code RestClient} and {@code RestTemplate}. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({RestClient.class, ClientHttpRequestFactoryBuilder.class})
  static class Imperative {
    /** Last, since it wraps what the others have made. */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    ClientHttpRequestFactoryBuilderCustomizer<ClientHttpRequestFactoryBuilder<?>>
        meshRequestFactories(MeshHttp http) {
      return builder -> wrapped(builder, http);
    }

    private static ClientHttpRequestFactoryBuilder<ClientHttpRequestFactory> wrapped(
        ClientHttpRequestFactoryBuilder<?> builder, MeshHttp http) {
      return settings ->
          new MeshClientHttpRequestFactory(
              builder.build(settings), http.calls(HttpTimeouts.of(settings)), http.hosts());
    }
  }

  /** For {@code WebClient}. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({Mono.class, ClientHttpConnectorBuilder.class})
  static class Reactive {
    /** Last, since it wraps what the others have made. */
    @Bean
    @Order(Ordered.LOWEST_PRECEDENCE)
    ClientHttpConnectorBuilderCustomizer<ClientHttpConnectorBuilder<?>> meshConnectors(
        MeshHttp http) {
      return builder -> wrapped(builder, http);
    }

    private static ClientHttpConnectorBuilder<ClientHttpConnector> wrapped(
        ClientHttpConnectorBuilder<?> builder, MeshHttp http) {
      return settings ->
          new MeshClientHttpConnector(
              builder.build(settings), http.calls(HttpTimeouts.of(settings)), http.hosts());
    }
  }
}
