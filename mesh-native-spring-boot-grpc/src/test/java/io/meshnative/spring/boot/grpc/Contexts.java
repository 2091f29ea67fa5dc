package io.meshnative.spring.boot.grpc;

import io.meshnative.spring.boot.MeshAutoConfiguration;
import io.meshnative.testkit.EmbeddedControlPlane;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.ssl.SslAutoConfiguration;
import org.springframework.boot.grpc.client.autoconfigure.CompositeChannelFactoryAutoConfiguration;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerServicesAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.health.GrpcServerHealthAutoConfiguration;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** Contexts with Spring gRPC and the mesh, and nothing else. */
final class Contexts {
  private static final AutoConfigurations ALL =
      AutoConfigurations.of(
          MeshAutoConfiguration.class,
          MeshGrpcAdditionalServerAutoConfiguration.class,
          MeshGrpcClientAutoConfiguration.class,
          MeshGrpcServerAutoConfiguration.class,
          PlainNettyAutoConfiguration.class,
          SslAutoConfiguration.class,
          CompositeChannelFactoryAutoConfiguration.class,
          GrpcClientAutoConfiguration.class,
          GrpcServerAutoConfiguration.class,
          GrpcServerServicesAutoConfiguration.class,
          GrpcServerHealthAutoConfiguration.class);

  private Contexts() {}

  /** The service {@code web}, which serves nothing. */
  static ApplicationContextRunner client(EmbeddedControlPlane plane) {
    return new ApplicationContextRunner()
        .withConfiguration(ALL)
        .withPropertyValues(
            "mesh-native.service=web",
            "mesh-native.consul.address=" + plane.httpAddr(),
            "mesh-native.shutdown-drain=0s");
  }

  /** The service {@code web}, which serves {@link Speech}. */
  static ApplicationContextRunner server(EmbeddedControlPlane plane) {
    return client(plane)
        .withBean(Speech.class)
        .withPropertyValues("spring.grpc.server.port=0", "spring.grpc.server.address=127.0.0.1");
  }

  /**
   * Enters a server into the catalog: these contexts tell of no readiness, so their registration
   * would stay critical.
   *
   * @return the port
   */
  static int enterCatalog(EmbeddedControlPlane plane, AssertableApplicationContext context) {
    int port = context.getEnvironment().getRequiredProperty("local.mesh.grpc.port", Integer.class);
    plane.register("web", "web", "127.0.0.1", port);
    return port;
  }
}
