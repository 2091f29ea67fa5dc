package io.meshnative.spring.boot.grpc;

import io.grpc.BindableService;
import io.grpc.stub.AbstractStub;
import java.util.stream.Stream;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientAutoConfiguration;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerServicesAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.ImportSelector;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.grpc.client.GrpcChannelBuilderCustomizer;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.util.ClassUtils;

/**
 * Channels and servers outside the mesh run on the Netty on which they ran before this module came.
 * Mesh channels bring {@code grpc-netty-shaded}, and where both are on the class path Spring Boot
 * takes that one: customizers of {@code io.grpc.netty} builders, which may set up TLS, would be
 * left out without a word. So Boot's own configurations of plain Netty are read first.
 *
 * <p>They are not public. Where they are not found by name, Boot's order stays.
 */
@AutoConfiguration(
    after = {MeshGrpcServerAutoConfiguration.class, GrpcServerServicesAutoConfiguration.class},
    afterName = MeshGrpcServerAutoConfiguration.TEST_TRANSPORT,
    before = {GrpcClientAutoConfiguration.class, GrpcServerAutoConfiguration.class})
@ConditionalOnClass(name = "io.grpc.netty.NettyChannelBuilder")
public final class PlainNettyAutoConfiguration {

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({
    AbstractStub.class,
    GrpcChannelBuilderCustomizer.class,
    GrpcClientProperties.class
  })
  @ConditionalOnBooleanProperty(name = "spring.grpc.client.enabled", matchIfMissing = true)
  @Import(Channels.class)
  static class ChannelConfiguration {}

  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass({GrpcServerFactory.class, GrpcServerProperties.class})
  @ConditionalOnBean(BindableService.class)
  @ConditionalOnBooleanProperty(name = "spring.grpc.server.enabled", matchIfMissing = true)
  @Import(Servers.class)
  static class ServerConfiguration {}

  /** Boot's channels on plain Netty. */
  static final class Channels implements ImportSelector {
    @Override
    public String[] selectImports(AnnotationMetadata importing) {
      return present("org.springframework.boot.grpc.client.autoconfigure.NettyGrpcClient");
    }
  }

  /** Boot's server on plain Netty, behind that of a servlet container, as Boot has it. */
  static final class Servers implements ImportSelector {
    @Override
    public String[] selectImports(AnnotationMetadata importing) {
      return present(
          "org.springframework.boot.grpc.server.autoconfigure.ServletGrpcServer",
          "org.springframework.boot.grpc.server.autoconfigure.NettyGrpcServer");
    }
  }

  private static String[] present(String... configurations) {
    ClassLoader loader = PlainNettyAutoConfiguration.class.getClassLoader();
    String[] names =
        Stream.of(configurations).map(name -> name + "Configuration").toArray(String[]::new);
    return Stream.of(names).allMatch(name -> ClassUtils.isPresent(name, loader))
        ? names
        : new String[0];
  }
}
