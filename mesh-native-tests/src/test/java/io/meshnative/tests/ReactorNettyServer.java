package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.reactor.netty.MeshPeers;
import io.meshnative.reactor.netty.MeshReactorServer;
import io.netty.handler.codec.http.HttpHeaderNames;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/** Reactor Netty. */
final class ReactorNettyServer implements HttpServerUnderTest {
  private final MeshReactorServer mesh;
  private final DisposableServer server;

  ReactorNettyServer(MeshClient service, RecordingApplication application) {
    mesh = new MeshReactorServer(service);
    HttpServer plain =
        HttpServer.create()
            .host("127.0.0.1")
            .port(0)
            .route(routes ->
                routes
                    .route(
                        ReactorNettyServer::isAdmin,
                        (request, response) -> handle(application, request, response, "/admin"))
                    .route(
                        request -> true,
                        (request, response) -> handle(application, request, response, "/")));
    server = mesh.secure(plain).bindNow(Cast.GUARD);
  }

  private static boolean isAdmin(HttpServerRequest request) {
    return request.fullPath().equals("/admin") || request.fullPath().startsWith("/admin/");
  }

  /** On a thread of its own, as the application wants it. */
  private static Mono<Void> handle(
      RecordingApplication application,
      HttpServerRequest request,
      HttpServerResponse response,
      String mapping) {
    return Mono.create(sink ->
        Background.run(() -> {
          try {
            application.handle(new Shown(request, response, mapping));
            sink.success();
          } catch (IOException | RuntimeException e) {
            sink.error(e);
          }
        }));
  }

  @Override
  public int port() {
    return server.port();
  }

  @Override
  public boolean http2() {
    return true;
  }

  @Override
  public boolean armed() {
    return mesh.isArmed();
  }

  @Override
  public void close() {
    server.disposeNow(Cast.GUARD);
  }

  private record Shown(HttpServerRequest request, HttpServerResponse response, String mapping)
      implements RecordingApplication.Exchange {
    @Override
    public String method() {
      return request.method().name();
    }

    @Override
    public String path() {
      return request.fullPath();
    }

    @Override
    public Map<String, List<String>> headers() {
      Map<String, List<String>> headers = new TreeMap<>();
      for (Map.Entry<String, String> header : request.requestHeaders()) {
        String name = header.getKey().toLowerCase(Locale.ROOT);
        if (!name.startsWith("x-http2-")) { // by which Netty itself tells of a stream of HTTP/2
          headers.computeIfAbsent(name, key -> new ArrayList<>()).add(header.getValue());
        }
      }
      return headers;
    }

    @Override
    public String peer() {
      return MeshPeers.of(request).map(peer -> peer.getName()).orElse(null);
    }

    /** It knows of none: what an application makes of the peer is its own. */
    @Override
    public String principal() {
      return peer();
    }

    @Override
    public InputStream body() {
      return new Body(request.receive().asByteArray().toIterable(1).iterator());
    }

    @Override
    public OutputStream respond(int status, Optional<Integer> length) {
      response.status(status);
      String scheme = request.scheme();
      response.header(
          RecordingServlet.SECURITY,
          scheme + (scheme.equals("https") ? " is secure" : " is not secure"));
      length.ifPresent(bytes -> response.header(HttpHeaderNames.CONTENT_LENGTH, "" + bytes));
      return new Answer(response);
    }
  }

  /** Waits for what is to come. */
  private static final class Body extends InputStream {
    private final Iterator<byte[]> parts;
    private InputStream part = InputStream.nullInputStream();

    Body(Iterator<byte[]> parts) {
      this.parts = parts;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = part.read(bytes, offset, length);
      while (read < 0 && parts.hasNext()) {
        part = new ByteArrayInputStream(parts.next());
        read = part.read(bytes, offset, length);
      }
      return read;
    }
  }

  /** Waits until what was written has gone out. */
  private static final class Answer extends OutputStream {
    private final HttpServerResponse response;

    Answer(HttpServerResponse response) {
      this.response = response;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
      byte[] part = Arrays.copyOfRange(bytes, offset, offset + length);
      response
          .sendByteArray(Flux.fromIterable(Collections.singletonList(part)).hide())
          .then()
          .block();
    }
  }
}
