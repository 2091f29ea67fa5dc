package io.meshnative.spring.boot.grpc;

import io.grpc.BindableService;
import io.meshnative.MeshClient;
import io.meshnative.spring.boot.MeshAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerProperties;
import org.springframework.boot.grpc.server.autoconfigure.GrpcServerServicesAutoConfiguration;
import org.springframework.boot.grpc.server.autoconfigure.health.GrpcServerHealthAutoConfiguration;
import org.springframework.context.annotation.Import;
import org.springframework.grpc.server.GrpcServerFactory;
import org.springframework.grpc.server.InProcessGrpcServerFactory;

/**
 * Spring gRPC's server serves the mesh. A server factory of the application's own wins, as that of
 * Spring's test support does; in-process servers stay beside it.
 */
@AutoConfiguration(
    after = {
      MeshAutoConfiguration.class,
      GrpcServerServicesAutoConfiguration.class,
      GrpcServerHealthAutoConfiguration.class
    },
    afterName = MeshGrpcServerAutoConfiguration.TEST_TRANSPORT,
    before = GrpcServerAutoConfiguration.class)
@ConditionalOnClass({GrpcServerFactory.class, GrpcServerProperties.class})
@ConditionalOnBean({MeshClient.class, BindableService.class})
@ConditionalOnMissingBean(
    value = GrpcServerFactory.class,
    ignored = InProcessGrpcServerFactory.class)
@ConditionalOnProperty(
    name = "mesh-native.grpc.server.mode",
    havingValue = "primary",
    matchIfMissing = true)
@ConditionalOnBooleanProperty(
    name = {"spring.grpc.server.enabled", "spring.grpc.server.factory.enabled"},
    matchIfMissing = true)
@Import(MeshGrpcServerBeans.class)
public final class MeshGrpcServerAutoConfiguration {
  static final String TEST_TRANSPORT =
      "org.springframework.boot.grpc.test.autoconfigure.TestGrpcTransportAutoConfiguration";
}
