package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * May they call me, may I call them.
 *
 * @param kind {@code why} for a caller, {@code why-to} for a destination
 * @param service the other service; maybe empty
 * @param method of a request; empty to ask about a connection
 * @param path of a request; empty to ask about a connection
 */
record Question(String kind, String service, String method, String path) {
  static final String WHY = "why";
  static final String WHY_TO = "why-to";

  static Question of(
      @Nullable String kind,
      @Nullable String service,
      @Nullable String method,
      @Nullable String path) {
    return new Question(
        WHY_TO.equals(kind) ? WHY_TO : WHY, trimmed(service), trimmed(method), trimmed(path));
  }

  private static String trimmed(@Nullable String text) {
    return text == null ? "" : text.trim();
  }

  boolean isAsked() {
    return !service.isEmpty();
  }

  boolean isAboutRequest() {
    return kind.equals(WHY) && !path.isEmpty();
  }

  /**
   * Asks.
   *
   * @throws IllegalArgumentException if it is no name of a service, or no request; with a message
   *     for who asked
   * @throws IllegalStateException if the client does not know yet who it is
   */
  MeshEndpoint.Explanation answer(MeshClient mesh) {
    if (kind.equals(WHY_TO)) {
      return MeshEndpoint.Explanation.of(
          mesh.service(), service, mesh.explain(Destination.parse(service)));
    }
    Decision decision = isAboutRequest() ? decideRequest(mesh) : mesh.explain(service);
    return MeshEndpoint.Explanation.of(service, mesh.service(), decision);
  }

  private Decision decideRequest(MeshClient mesh) {
    try {
      return mesh.explain(
          service,
          HttpRequestView.of(
              method.isEmpty() ? "GET" : method, path, List.of(mesh.service()), Map.of()));
    } catch (MalformedRequestException e) {
      throw new IllegalArgumentException("such a request is refused anyhow: " + e.getMessage(), e);
    }
  }
}
