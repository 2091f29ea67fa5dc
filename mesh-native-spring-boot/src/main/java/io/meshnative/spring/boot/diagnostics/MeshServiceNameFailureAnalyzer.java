package io.meshnative.spring.boot.diagnostics;

import io.meshnative.spring.boot.MeshServiceNameMissingException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells how to name the service. */
final class MeshServiceNameFailureAnalyzer
    extends AbstractFailureAnalyzer<MeshServiceNameMissingException> {

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshServiceNameMissingException cause) {
    return new FailureAnalysis(
        "The application does not say which service of the mesh it is: neither mesh-native.service"
            + " nor spring.application.name is set.",
        "Set mesh-native.service to the name of the service in Consul, or"
            + " mesh-native.enabled=false to stay out of the mesh. The names that are known: consul"
            + " catalog services",
        cause);
  }
}
