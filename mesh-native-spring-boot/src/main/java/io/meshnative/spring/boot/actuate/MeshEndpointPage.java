package io.meshnative.spring.boot.actuate;

import io.meshnative.MeshClient;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;
import org.springframework.boot.actuate.endpoint.annotation.Selector;
import org.springframework.boot.actuate.endpoint.web.WebEndpointResponse;
import org.springframework.boot.actuate.endpoint.web.annotation.EndpointWebExtension;
import org.springframework.util.MimeType;

/**
 * The page {@code /actuator/mesh/page}: what the endpoint {@code mesh} says, for people. It is
 * there where {@code mesh-native.status-page.enabled=true}, and reached by whoever may read the
 * endpoint: exposure, access and Spring Security's {@code EndpointRequest} hold for it as for the
 * rest.
 *
 * <p>Read-only HTML made here; it loads nothing, runs no script and holds no secret.
 */
@EndpointWebExtension(endpoint = MeshEndpoint.class)
public final class MeshEndpointPage implements AutoCloseable {
  private static final MimeType HTML = new MimeType("text", "html", StandardCharsets.UTF_8);

  private final MeshClient mesh;
  private final RotationHistory history;
  private final StatusPage page;

  /**
   * Makes the page; it remembers rotations from now on.
   *
   * @param mesh what it shows
   */
  public MeshEndpointPage(MeshClient mesh) {
    this.mesh = mesh;
    this.history = new RotationHistory(mesh);
    this.page = new StatusPage(Clock.systemUTC());
  }

  /**
   * Shows the page.
   *
   * @param view {@code page}; all else is not found
   * @param ask what to explain: {@code why} or {@code why-to}; null for nothing
   * @param service the service that the question is about
   * @param method of a request, for a question down to layer 7; null for a connection
   * @param path of a request
   * @return the page
   */
  @ReadOperation(produces = "text/html")
  public WebEndpointResponse<String> page(
      @Selector String view,
      @Nullable String ask,
      @Nullable String service,
      @Nullable String method,
      @Nullable String path) {
    if (!view.equals("page")) {
      return new WebEndpointResponse<>("not found", WebEndpointResponse.STATUS_NOT_FOUND, HTML);
    }
    Question question = Question.of(ask, service, method, path);
    return new WebEndpointResponse<>(
        page.render(mesh, history.rotations(), question), WebEndpointResponse.STATUS_OK, HTML);
  }

  @Override
  public void close() {
    history.close();
  }
}
