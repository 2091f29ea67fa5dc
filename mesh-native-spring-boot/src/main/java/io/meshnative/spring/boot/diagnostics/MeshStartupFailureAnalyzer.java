package io.meshnative.spring.boot.diagnostics;

import io.meshnative.ControlPlaneException;
import io.meshnative.spring.boot.MeshStartupException;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Tells why there was no identity in time: the agent away, a token refused, a leaf not issued. */
final class MeshStartupFailureAnalyzer extends AbstractFailureAnalyzer<MeshStartupException> {
  private static final int BAD_REQUEST = 400;
  private static final int UNAUTHORIZED = 401;
  private static final int FORBIDDEN = 403;
  private static final String LEAF = "/v1/agent/connect/ca/leaf/";

  @Override
  protected FailureAnalysis analyze(Throwable root, MeshStartupException cause) {
    return new FailureAnalysis(
        "The service "
            + cause.service()
            + " had no identity in the mesh within mesh-native.startup-timeout ("
            + cause.timeout().toMillis()
            + " ms): "
            + cause.getMessage(),
        action(cause.service(), findCause(cause, ControlPlaneException.class)),
        cause);
  }

  private static String action(String service, @Nullable ControlPlaneException plane) {
    if (plane == null || plane.status().isEmpty()) {
      return "Start an agent, or say where it is: mesh-native.consul.address (or CONSUL_HTTP_ADDR)."
          + " Look with: consul members\nTo start without waiting for it, set"
          + " mesh-native.startup=background; to start without the mesh, set"
          + " mesh-native.enabled=false.";
    }
    return switch (plane.status().getAsInt()) {
      case FORBIDDEN ->
          "Give a token that may act for the service: mesh-native.consul.token-file or"
              + " mesh-native.consul.token, with the service identity "
              + service
              + ", or the policy\n\n    service \""
              + service
              + "\" { policy = \"write\" }\n\nLook at the token with: consul acl token read -self";
      case UNAUTHORIZED ->
          "ACLs are off on this agent: take mesh-native.consul.token, mesh-native.consul.token-file"
              + " or CONSUL_HTTP_TOKEN out, or turn ACLs on. Look with: consul info";
      case BAD_REQUEST ->
          "Compare mesh-native.consul.address with the agent's HTTP and HTTPS ports, and take"
              + " mesh-native.consul.namespace and mesh-native.consul.partition out unless it is"
              + " Consul Enterprise. Look with: consul info";
      default -> refused(service, plane);
    };
  }

  private static String refused(String service, ControlPlaneException plane) {
    String message = String.valueOf(plane.getMessage());
    if (message.contains(LEAF)) {
      return "The agent issues no certificate to mesh-native.service="
          + service
          + ": see that the servers have connect { enabled = true } and a CA that signs. Look with:"
          + " curl -i $CONSUL_HTTP_ADDR"
          + LEAF
          + service
          + "\nTo start without waiting for it, set mesh-native.startup=background.";
    }
    return "Correct what the answer of the agent at mesh-native.consul.address names. Look with:"
        + " consul monitor\nTo start without waiting for it, set mesh-native.startup=background.";
  }
}
