package io.meshnative.spring.boot.grpc;

import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.stub.AbstractStub;
import io.meshnative.MeshClient;
import io.meshnative.okhttp.MeshHosts;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.spring.boot.MeshProperties;
import io.meshnative.spring.boot.client.MeshHttpClientAutoConfiguration;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.grpc.client.autoconfigure.CompositeChannelFactoryAutoConfiguration;
import org.springframework.boot.grpc.client.autoconfigure.GrpcChannelFactoryCustomizer;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientAutoConfiguration;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientDefaultServiceConfigCustomizer;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;
import org.springframework.grpc.client.ClientInterceptorsConfigurer;
import org.springframework.grpc.client.GrpcChannelBuilderCustomizer;
import org.springframework.grpc.client.GrpcChannelFactory;

/**
 * Spring gRPC's channels whose target is a service of the mesh go into the mesh; all others are
 * left alone.
 */
@AutoConfiguration(
    after = {
      MeshAutoConfiguration.class,
      MeshHttpClientAutoConfiguration.class,
      GrpcClientAutoConfiguration.class
    },
    before = CompositeChannelFactoryAutoConfiguration.class)
@ConditionalOnClass({AbstractStub.class, GrpcChannelFactory.class, GrpcClientProperties.class})
@ConditionalOnBean({MeshClient.class, MeshProperties.class, ClientInterceptorsConfigurer.class})
@ConditionalOnBooleanProperty(
    name = {
      "mesh-native.client.enabled",
      "mesh-native.grpc.client.enabled",
      "spring.grpc.client.enabled",
      "spring.grpc.client.channelfactory.enabled"
    },
    matchIfMissing = true)
@EnableConfigurationProperties({MeshGrpcProperties.class, GrpcClientProperties.class})
public final class MeshGrpcClientAutoConfiguration {
  /** Before the factories that take every target, behind that of Spring's test support. */
  private static final int ORDER = Ordered.HIGHEST_PRECEDENCE + 1000;

  @Bean
  @Order(ORDER)
  @ConditionalOnMissingBean
  MeshGrpcChannelFactory meshGrpcChannelFactory(
      MeshClient mesh,
      ObjectProvider<MeshHosts> hosts,
      MeshProperties meshProperties,
      GrpcClientProperties properties,
      Environment environment,
      ClientInterceptorsConfigurer interceptors,
      ObjectProvider<CompressorRegistry> compressors,
      ObjectProvider<DecompressorRegistry> decompressors,
      ObjectProvider<GrpcChannelBuilderCustomizer<?>> customizers,
      ObjectProvider<GrpcClientDefaultServiceConfigCustomizer> configs,
      ObjectProvider<GrpcChannelFactoryCustomizer> factories) {
    MeshGrpcChannelFactory factory =
        new MeshGrpcChannelFactory(
            mesh,
            new MeshChannelTargets(
                hosts.getIfAvailable(() -> hosts(meshProperties.client())),
                properties,
                environment),
            new MeshChannelSettings(properties, compressors, decompressors, customizers, configs),
            interceptors);
    factories.orderedStream().forEach(customizer -> customizer.customize(factory));
    return factory;
  }

  private static MeshHosts hosts(MeshProperties.Client client) {
    MeshHosts hosts = MeshHosts.defaults().withSuffix(client.hostSuffix());
    return client.consulNames() ? hosts : hosts.withoutConsulNames();
  }
}
