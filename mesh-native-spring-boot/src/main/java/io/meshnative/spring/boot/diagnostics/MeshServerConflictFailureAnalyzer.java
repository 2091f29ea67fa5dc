package io.meshnative.spring.boot.diagnostics;

import io.meshnative.spring.boot.server.MeshServerConflictException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells how the mesh and a certificate of the application's own get along. */
final class MeshServerConflictFailureAnalyzer
    extends AbstractFailureAnalyzer<MeshServerConflictException> {

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshServerConflictException cause) {
    return new FailureAnalysis(
        "The main connector of the web server is to serve the mesh (mesh-native.server.mode=primary)"
            + " and has TLS settings of its own (server.ssl.*).",
        "Remove server.ssl.*, or set mesh-native.server.mode=additional to serve the mesh on"
            + " mesh-native.server.port beside it. Find where it is set with:"
            + " grep -rnE 'ssl|SSL' src/main/resources",
        cause);
  }
}
