package io.meshnative.tests;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import io.meshnative.MeshClient;
import io.meshnative.httpserver.MeshHttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The HTTP server of the JDK. */
final class JdkHttpServer implements HttpServerUnderTest {
  private final MeshHttpServer server;

  JdkHttpServer(MeshClient service, RecordingApplication application) throws IOException {
    server = MeshHttpServer.create(service, Cast.loopback());
    for (String mapping : new String[] {"/", "/admin"}) {
      HttpHandler handler = exchange -> application.handle(new Shown(exchange, mapping));
      server.createContext(mapping, handler);
    }
    server.start();
  }

  @Override
  public int port() {
    return server.getAddress().getPort();
  }

  @Override
  public boolean http2() {
    return false;
  }

  @Override
  public boolean armed() {
    return server.isArmed();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private record Shown(HttpExchange exchange, String mapping)
      implements RecordingApplication.Exchange {
    @Override
    public String method() {
      return exchange.getRequestMethod();
    }

    @Override
    public String path() {
      return exchange.getRequestURI().getPath();
    }

    @Override
    public Map<String, List<String>> headers() {
      Map<String, List<String>> headers = new TreeMap<>();
      exchange
          .getRequestHeaders()
          .forEach((name, lines) -> headers.put(name.toLowerCase(Locale.ROOT), lines));
      return headers;
    }

    @Override
    public String peer() {
      return MeshHttpServer.peer(exchange).getName();
    }

    @Override
    public String principal() {
      return exchange.getPrincipal().getUsername();
    }

    @Override
    public InputStream body() {
      return exchange.getRequestBody();
    }

    @Override
    public OutputStream respond(int status, Optional<Integer> length) throws IOException {
      boolean empty = exchange.getRequestMethod().equals("HEAD") || length.equals(Optional.of(0));
      exchange.sendResponseHeaders(status, empty ? -1 : length.orElse(0));
      return exchange.getResponseBody();
    }
  }
}
