package io.meshnative.spring.boot.diagnostics;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.intention.Intention;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.env.Environment;

/**
 * Tells why a service could not be called while the application started, as the database of a data
 * source: nobody knows it, an intention denies it, or it is somebody else.
 */
final class MeshCallFailureAnalyzer extends AbstractFailureAnalyzer<MeshException> {
  private static final Pattern SERVICE = Pattern.compile("/svc/([A-Za-z0-9._-]+)");

  private final Environment environment;

  MeshCallFailureAnalyzer(Environment environment) {
    this.environment = environment;
  }

  @Override
  protected @Nullable FailureAnalysis analyze(Throwable root, MeshException cause) {
    MeshException last = last(cause);
    if (last instanceof NoEndpointException unknown) {
      String service = unknown.destination().service();
      return analysis(
          "called " + service + ", which has no endpoint in the mesh",
          "Register "
              + service
              + " as connect-native or with a sidecar, or correct the host in"
              + " spring.datasource.url or in the URL of the call: it is the service's name in"
              + " Consul, and mesh-native.client.host-suffix. Look with: consul catalog nodes"
              + " -service="
              + service,
          last);
    }
    if (last instanceof MeshAuthorizationException || last instanceof PeerRefusedException) {
      String service = service(last);
      return analysis(
          "called " + service + ", which intentions do not let it call",
          "Allow it with: consul intention create -allow "
              + self()
              + " "
              + service
              + "\nor call another service: spring.datasource.url, or the URL of the call. Look"
              + " with: consul intention check "
              + self()
              + " "
              + service,
          last);
    }
    if (last instanceof PeerIdentityException) {
      return analysis(
          "called a service and met another one at its address",
          "Correct the address and port under which the service stands in the catalog. Look with:"
              + " consul catalog nodes -detailed -service="
              + service(last)
              + "\nThe service that is called is the host in spring.datasource.url or in the URL of"
              + " the call.",
          last);
    }
    return null;
  }

  private FailureAnalysis analysis(String what, String action, MeshException cause) {
    return new FailureAnalysis(
        "The service " + self() + " " + what + ", while it started: " + cause.getMessage(),
        action,
        cause);
  }

  /** The innermost says most: an endpoint that refused us, below a destination with none left. */
  private static MeshException last(MeshException first) {
    MeshException last = first;
    Throwable cause = first.getCause();
    for (int depth = 0; cause != null && depth < 16; depth++) {
      if (cause instanceof MeshException inner) {
        last = inner;
      }
      cause = cause.getCause();
    }
    return last;
  }

  private static String service(MeshException cause) {
    if (cause instanceof MeshAuthorizationException denied) {
      Optional<String> named =
          denied
              .decision()
              .intention()
              .map(rule -> rule.destination().name())
              .filter(name -> !name.equals(Intention.WILDCARD));
      if (named.isPresent()) {
        return named.get();
      }
    }
    Matcher named = SERVICE.matcher(String.valueOf(cause.getMessage()));
    return named.find() ? named.group(1) : "<service>";
  }

  private String self() {
    String service = environment.getProperty("mesh-native.service", "");
    return service.isBlank()
        ? environment.getProperty("spring.application.name", "<this service>")
        : service;
  }
}
