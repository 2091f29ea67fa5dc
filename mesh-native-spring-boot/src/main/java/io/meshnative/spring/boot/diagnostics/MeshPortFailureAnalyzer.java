package io.meshnative.spring.boot.diagnostics;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/**
 * Tells of both ports where the web server has two: Boot knows its own only, and would blame it for
 * the other.
 */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class MeshPortFailureAnalyzer extends AbstractFailureAnalyzer<PortInUseException> {
  private final Environment environment;

  MeshPortFailureAnalyzer(Environment environment) {
    this.environment = environment;
  }

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable root, PortInUseException cause) {
    if (!environment.getProperty("mesh-native.enabled", Boolean.class, true)
        || !environment
            .getProperty("mesh-native.server.mode", "off")
            .equalsIgnoreCase("additional")) {
      return null;
    }
    String main = environment.getProperty("server.port", "8080");
    String mesh = environment.getProperty("mesh-native.server.port", "8443");
    return new FailureAnalysis(
        "The web server failed to start, since a port was in use: it wanted mesh-native.server.port="
            + mesh
            + " for the mesh and server.port="
            + main
            + " for its main connector.",
        "Set mesh-native.server.port or server.port to a free port (0 for any), or stop who listens"
            + " there. Look with: ss -ltnp",
        cause);
  }
}
