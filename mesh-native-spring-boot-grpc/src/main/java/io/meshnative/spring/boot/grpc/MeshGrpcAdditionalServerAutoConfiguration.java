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
import org.springframework.context.annotation.Import;
import org.springframework.grpc.server.GrpcServerFactory;

/**
 * A second server, in the mesh, with the services of Spring gRPC's own. After Boot's, which makes
 * none where there is one already.
 */
@AutoConfiguration(after = {MeshAutoConfiguration.class, GrpcServerAutoConfiguration.class})
@ConditionalOnClass({GrpcServerFactory.class, GrpcServerProperties.class})
@ConditionalOnBean({MeshClient.class, BindableService.class})
@ConditionalOnMissingBean(
    type = "org.springframework.boot.grpc.test.autoconfigure.TestGrpcServerFactory")
@ConditionalOnProperty(name = "mesh-native.grpc.server.mode", havingValue = "additional")
@ConditionalOnBooleanProperty(
    name = {"spring.grpc.server.enabled", "spring.grpc.server.factory.enabled"},
    matchIfMissing = true)
@Import(MeshGrpcServerBeans.class)
public final class MeshGrpcAdditionalServerAutoConfiguration {}
