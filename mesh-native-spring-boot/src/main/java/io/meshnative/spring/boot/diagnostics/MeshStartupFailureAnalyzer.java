package io.meshnative.spring.boot.diagnostics;

import io.meshnative.ControlPlaneException;
import io.meshnative.spring.boot.MeshStartupException;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells why there was no identity in time: the agent away, a token refused, a leaf not issued. */
final class MeshStartupFailureAnalyzer extends AbstractFailureAnalyzer<MeshStartupException> {
  private static final int FORBIDDEN = 403;

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable root, MeshStartupException cause) {
    ControlPlaneException plane = findCause(cause, ControlPlaneException.class);
    OptionalInt status = plane == null ? OptionalInt.empty() : plane.status();
    String action =
        status.orElse(0) == FORBIDDEN
            ? "Give a token that may act for the service: mesh-native.consul.token-file or"
                + " mesh-native.consul.token, with the policy\n\n    service \""
                + cause.service()
                + "\" { policy = \"write\" }\n\nand look at it with: consul acl token read -self"
            : status.isPresent()
                ? "Correct what the agent's answer names, and look at the agent with: consul monitor"
                : "Start an agent, or say where it is: mesh-native.consul.address (or"
                    + " CONSUL_HTTP_ADDR). Look with: consul members\nTo start without waiting for"
                    + " it, set mesh-native.startup=background; to start without the mesh, set"
                    + " mesh-native.enabled=false.";
    return new FailureAnalysis(
        "The service "
            + cause.service()
            + " had no identity in the mesh within mesh-native.startup-timeout ("
            + cause.timeout().toMillis()
            + " ms): "
            + cause.getMessage(),
        action,
        cause);
  }
}
