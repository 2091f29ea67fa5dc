package io.meshnative.servlet.jetty;

import io.meshnative.IdentityHeaders;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.servlet.internal.AdmittedRequest;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.jspecify.annotations.Nullable;

/**
 * A request without headers that claim an identity, which can be read as long as its right lasts.
 */
final class MeshRequest extends Request.Wrapper {
  private final AdmittedRequest admitted;
  private final HttpFields headers;
  private final List<Consumer<Throwable>> failureListeners = new CopyOnWriteArrayList<>();
  private final AtomicReference<@Nullable Runnable> demand = new AtomicReference<>();

  MeshRequest(Request request, AdmittedRequest admitted) {
    super(request);
    this.admitted = admitted;
    this.headers = stripped(request.getHeaders());
  }

  private static HttpFields stripped(HttpFields fields) {
    if (fields.stream().noneMatch(MeshRequest::claimsIdentity)) {
      return fields;
    }
    HttpFields.Mutable kept = HttpFields.build();
    fields.stream().filter(field -> !claimsIdentity(field)).forEach(kept::add);
    return kept.asImmutable();
  }

  private static boolean claimsIdentity(HttpField field) {
    return IdentityHeaders.contains(field.getName());
  }

  @Override
  public HttpFields getHeaders() {
    return headers;
  }

  @Override
  public @Nullable HttpFields getTrailers() {
    HttpFields trailers = super.getTrailers();
    return trailers == null ? null : stripped(trailers);
  }

  @Override
  public Content.@Nullable Chunk read() {
    MeshAuthorizationException withdrawn = admitted.withdrawn();
    return withdrawn == null ? super.read() : Content.Chunk.from(withdrawn, true);
  }

  @Override
  public void demand(Runnable callback) {
    demand.set(callback);
    super.demand(this::supply);
    if (admitted.withdrawn() != null) {
      supply();
    }
  }

  /** Who waits for content is told once that there is some, or that there will be none. */
  private void supply() {
    Runnable waiting = demand.getAndSet(null);
    if (waiting != null) {
      waiting.run();
    }
  }

  @Override
  public void addFailureListener(Consumer<Throwable> listener) {
    failureListeners.add(listener);
    super.addFailureListener(listener);
  }

  /** Wakes who waits for content, and ends asynchronous requests. */
  void fail(MeshAuthorizationException reason) {
    supply();
    failureListeners.forEach(listener -> listener.accept(reason));
  }
}
