package io.meshnative.spring.boot.grpc;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells how the mesh and a certificate of the server's own get along. */
final class MeshGrpcServerConflictFailureAnalyzer
    extends AbstractFailureAnalyzer<MeshGrpcServerConflictException> {

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshGrpcServerConflictException cause) {
    return new FailureAnalysis(
        "The server of Spring gRPC is to serve the mesh (mesh-native.grpc.server.mode=primary) and"
            + " has TLS settings of its own (spring.grpc.server.ssl.*).",
        "Remove spring.grpc.server.ssl.*, or set mesh-native.grpc.server.mode=additional to serve"
            + " the mesh on mesh-native.grpc.server.port beside it, or"
            + " mesh-native.grpc.server.mode=off. Look at what is set with:"
            + " curl localhost:8080/actuator/env/spring.grpc.server.ssl.bundle",
        cause);
  }
}
