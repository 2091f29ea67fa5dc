package io.meshnative.spring.boot.grpc;

import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshChannelBuilder;
import java.util.List;
import org.springframework.boot.grpc.client.autoconfigure.GrpcClientProperties;
import org.springframework.grpc.client.ChannelBuilderOptions;
import org.springframework.grpc.client.ClientInterceptorsConfigurer;
import org.springframework.grpc.client.DefaultGrpcChannelFactory;

/**
 * Makes Spring gRPC's channels to services of the mesh, and no others: Spring gRPC asks its
 * factories in their order, and this one stands before those of Netty, which would take every
 * target.
 */
final class MeshGrpcChannelFactory extends DefaultGrpcChannelFactory<MeshChannelBuilder> {
  private final MeshClient mesh;
  private final MeshChannelTargets targets;

  MeshGrpcChannelFactory(
      MeshClient mesh,
      MeshChannelTargets targets,
      MeshChannelSettings settings,
      ClientInterceptorsConfigurer interceptors) {
    super(List.of(settings), interceptors);
    this.mesh = mesh;
    this.targets = targets;
    setVirtualTargets(targets);
  }

  @Override
  public boolean supports(String target) {
    return targets.inMesh(target);
  }

  @Override
  public ManagedChannel createChannel(String target, ChannelBuilderOptions options) {
    GrpcClientProperties.Channel channel = targets.properties().getChannel().get(target);
    if (channel != null && hasTls(channel)) {
      throw new MeshChannelConflictException(target, targets.getTarget(target));
    }
    return super.createChannel(target, options);
  }

  private static boolean hasTls(GrpcClientProperties.Channel channel) {
    GrpcClientProperties.Channel.Ssl ssl = channel.getSsl();
    boolean wanted =
        Boolean.TRUE.equals(ssl.getEnabled())
            || (ssl.getEnabled() == null && ssl.getBundle() != null);
    return wanted || channel.isBypassCertificateValidation();
  }

  /** The credentials are not asked for anything: the identity is the mesh client's. */
  @Override
  protected MeshChannelBuilder newChannelBuilder(String target, ChannelCredentials credentials) {
    return MeshChannelTargets.hasScheme(target)
        ? MeshChannelBuilder.forTarget(target, mesh)
        : targets
            .destination(target)
            .map(destination -> MeshChannelBuilder.forDestination(destination, mesh))
            .orElseThrow(() ->
                new IllegalArgumentException(
                    "expected the target of a channel to be a service of the mesh, such as"
                        + " mesh:///orders or orders.mesh, found \""
                        + target
                        + "\""));
  }
}
