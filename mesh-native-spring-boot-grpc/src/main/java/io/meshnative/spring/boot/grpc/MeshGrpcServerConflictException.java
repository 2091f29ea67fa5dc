package io.meshnative.spring.boot.grpc;

/** Spring gRPC's server is to serve the mesh and a certificate of its own at the same time. */
public final class MeshGrpcServerConflictException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  MeshGrpcServerConflictException() {
    super(
        "expected mesh-native.grpc.server.mode=primary or spring.grpc.server.ssl.*, found both: the"
            + " server can serve the mesh, or a certificate of its own");
  }
}
