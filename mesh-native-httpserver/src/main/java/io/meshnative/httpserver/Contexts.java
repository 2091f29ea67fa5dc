package io.meshnative.httpserver;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The contexts of the application, and the way to them: the handler of the only context that the
 * JDK's server has. It takes exchanges from the {@link Enforcement} and nobody else.
 */
final class Contexts implements HttpHandler {
  private static final int NOT_FOUND = 404;
  private static final int INTERNAL_ERROR = 500;

  private final MeshHttpServer server;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<MeshContext> all = new CopyOnWriteArrayList<>();

  Contexts(MeshHttpServer server) {
    this.server = server;
  }

  MeshContext add(String path, @Nullable HttpHandler handler) {
    MeshContext context = new MeshContext(server, path, handler);
    lock.lock();
    try {
      if (all.stream().anyMatch(other -> other.getPath().equals(path))) {
        throw new IllegalArgumentException(
            "expected a path that has no context, found another context for \"" + path + "\"");
      }
      all.add(context);
    } finally {
      lock.unlock();
    }
    return context;
  }

  void remove(String path) {
    if (!all.removeIf(context -> context.getPath().equals(path))) {
      throw new IllegalArgumentException(
          "expected the path of a context, found none for \"" + path + "\"");
    }
  }

  void remove(HttpContext context) {
    if (!(context instanceof MeshContext ours) || !all.remove(ours)) {
      throw new IllegalArgumentException("expected a context of this server, found another");
    }
  }

  /** The longest one with which the path begins, as the JDK routes. */
  private @Nullable MeshContext of(String path) {
    MeshContext longest = null;
    for (MeshContext context : all) {
      if (path.startsWith(context.getPath())
          && (longest == null || context.getPath().length() > longest.getPath().length())) {
        longest = context;
      }
    }
    return longest;
  }

  @Override
  public void handle(HttpExchange exchange) throws IOException {
    if (!(exchange instanceof MeshExchange admitted)) {
      // Whoever brought it here has gone around the filter.
      throw new IOException("expected a request that was admitted, found one that was not judged");
    }
    MeshContext context = of(admitted.getRequestURI().getPath());
    HttpHandler handler = context == null ? null : context.getHandler();
    if (context == null || handler == null) {
      answer(admitted, context == null ? NOT_FOUND : INTERNAL_ERROR);
      return;
    }
    admitted.enter(context);
    Authenticator authenticator = context.getAuthenticator();
    HttpHandler last =
        authenticator == null
            ? handler
            : filtered -> authenticate(authenticator, admitted, filtered, handler);
    new Filter.Chain(context.getFilters(), last).doFilter(admitted);
  }

  private static void authenticate(
      Authenticator authenticator,
      MeshExchange admitted,
      HttpExchange exchange,
      HttpHandler handler)
      throws IOException {
    Authenticator.Result result = authenticator.authenticate(exchange);
    if (result instanceof Authenticator.Success success) {
      admitted.principal(success.getPrincipal());
      handler.handle(exchange);
    } else if (result instanceof Authenticator.Retry retry) {
      answer(exchange, retry.getResponseCode());
    } else if (result instanceof Authenticator.Failure failure) {
      answer(exchange, failure.getResponseCode());
    } else {
      throw new IOException("expected a result of the authenticator, found " + result);
    }
  }

  private static void answer(HttpExchange exchange, int status) throws IOException {
    try (InputStream body = exchange.getRequestBody()) {
      body.transferTo(java.io.OutputStream.nullOutputStream());
    }
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }
}
