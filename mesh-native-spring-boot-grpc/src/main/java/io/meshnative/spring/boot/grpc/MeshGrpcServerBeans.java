package io.meshnative.spring.boot.grpc;

import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.meshnative.MeshClient;
import io.meshnative.spring.boot.grpc.MeshGrpcProperties.Server.Mode;
import java.net.SocketAddress;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerExecutorProvider;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerFactoryCustomizer;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.grpc.server.ServerBuilderCustomizer;
import org.springframework.grpc.server.service.GrpcServiceConfigurer;
import org.springframework.grpc.server.service.GrpcServiceDiscoverer;

/** A server in the mesh of all services that Spring gRPC finds. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties({MeshGrpcProperties.class, GrpcServerProperties.class})
class MeshGrpcServerBeans {

  @Bean
  MeshGrpcServerFactory meshGrpcServerFactory(
      MeshClient mesh,
      MeshGrpcProperties meshProperties,
      GrpcServerProperties properties,
      GrpcServiceDiscoverer discoverer,
      GrpcServiceConfigurer configurer,
      ObjectProvider<CompressorRegistry> compressors,
      ObjectProvider<DecompressorRegistry> decompressors,
      ObjectProvider<GrpcServerExecutorProvider> executors,
      ObjectProvider<ServerBuilderCustomizer<?>> customizers,
      ObjectProvider<GrpcServerFactoryCustomizer> factories) {
    MeshGrpcServerFactory factory =
        new MeshGrpcServerFactory(
            mesh,
            address(meshProperties.server(), properties),
            new MeshServerSettings(properties, compressors, decompressors, executors, customizers));
    factories.orderedStream().forEach(customizer -> customizer.customize(factory));
    discoverer.findServices().stream()
        .map(service -> configurer.configure(service, factory))
        .forEach(factory::addService);
    return factory;
  }

  /** Last among the servers of the mesh: an application that serves HTTP too is known by that. */
  @Bean
  @Order(Ordered.LOWEST_PRECEDENCE)
  MeshGrpcServerLifecycle meshGrpcServerLifecycle(
      MeshGrpcServerFactory factory,
      GrpcServerProperties properties,
      ApplicationEventPublisher events,
      ConfigurableEnvironment environment) {
    return new MeshGrpcServerLifecycle(
        factory, properties.getShutdown().getGracePeriod(), events, environment);
  }

  private static SocketAddress address(
      MeshGrpcProperties.Server mesh, GrpcServerProperties properties) {
    if (mesh.mode() == Mode.ADDITIONAL) {
      return MeshServerAddress.additional(mesh, properties);
    }
    GrpcServerProperties.Ssl ssl = properties.getSsl();
    if (Boolean.TRUE.equals(ssl.getEnabled())
        || (ssl.getEnabled() == null && ssl.getBundle() != null)) {
      throw new MeshGrpcServerConflictException();
    }
    return MeshServerAddress.primary(mesh, properties);
  }
}
