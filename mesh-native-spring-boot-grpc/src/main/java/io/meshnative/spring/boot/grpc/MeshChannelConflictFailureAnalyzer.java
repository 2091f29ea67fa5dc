package io.meshnative.spring.boot.grpc;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells how the mesh and TLS settings of a channel get along. */
final class MeshChannelConflictFailureAnalyzer
    extends AbstractFailureAnalyzer<MeshChannelConflictException> {

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshChannelConflictException cause) {
    String properties = "spring.grpc.client.channel." + cause.channel();
    return new FailureAnalysis(
        "The channel \""
            + cause.channel()
            + "\" goes to a service of the mesh and has TLS settings of its own ("
            + properties
            + ".ssl.* or .bypass-certificate-validation).",
        "Remove them: mesh channels speak mutual TLS with the identity of the mesh client, always."
            + " To reach the host without the mesh, set "
            + properties
            + ".target=dns:///<host>:<port>.",
        cause);
  }
}
