package io.meshnative.spring.boot.grpc;

import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshServerBuilder;
import java.net.SocketAddress;
import java.util.List;
import org.springframework.grpc.server.DefaultGrpcServerFactory;
import org.springframework.grpc.server.ServerBuilderCustomizer;

/** Makes Spring gRPC's server in the mesh. */
final class MeshGrpcServerFactory extends DefaultGrpcServerFactory<MeshServerBuilder> {
  private final MeshClient mesh;
  private final SocketAddress address;

  MeshGrpcServerFactory(
      MeshClient mesh, SocketAddress address, ServerBuilderCustomizer<MeshServerBuilder> settings) {
    super(address.toString(), List.of(settings));
    this.mesh = mesh;
    this.address = address;
  }

  @Override
  protected MeshServerBuilder newServerBuilder() {
    return MeshServerBuilder.forAddress(address, mesh);
  }
}
