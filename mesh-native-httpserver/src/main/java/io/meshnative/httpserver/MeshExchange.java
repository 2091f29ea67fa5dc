package io.meshnative.httpserver;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpPrincipal;
import com.sun.net.httpserver.HttpsExchange;
import io.meshnative.MeshPeer;
import io.meshnative.RequestLease;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * A request that was admitted, as the application sees it: with the peer, without the headers that
 * its caller made up, with attributes of its own, and only as long as the right to it lasts.
 */
final class MeshExchange extends HttpsExchange {
  private static final int NOT_MODIFIED = 304;
  private static final int NO_CONTENT = 204;

  private final HttpsExchange jdk;
  private final Headers headers;
  private final MeshPeer peer;
  private final RequestLease lease;
  private final Cut cut;
  private final Map<String, Object> attributes = new ConcurrentHashMap<>();
  private @Nullable MeshContext context;
  private volatile HttpPrincipal principal;
  private volatile InputStream requestBody;
  private volatile OutputStream responseBody;

  MeshExchange(HttpsExchange jdk, Headers headers, MeshPeer peer, RequestLease lease, Cut cut) {
    this.jdk = jdk;
    this.headers = headers;
    this.peer = peer;
    this.lease = lease;
    this.cut = cut;
    this.principal = new HttpPrincipal(peer.id().toString(), peer.id().trustDomain().toString());
    this.requestBody = new RequestBody(jdk.getRequestBody(), cut);
    this.responseBody = new ResponseBody(jdk.getResponseBody(), cut, this::over);
  }

  /** The context that the request was routed to. */
  void enter(MeshContext context) {
    this.context = context;
  }

  /** What an authenticator found counts more than who is at the other end of the connection. */
  void principal(HttpPrincipal principal) {
    this.principal = principal;
  }

  /** The response has ended, in whatever way. */
  void over() {
    cut.over();
    lease.close();
  }

  /** Throws if the right was withdrawn meanwhile. */
  void requireWhole() throws IOException {
    cut.requireWhole();
  }

  @Override
  public Headers getRequestHeaders() {
    return headers;
  }

  @Override
  public Headers getResponseHeaders() {
    return jdk.getResponseHeaders();
  }

  @Override
  public URI getRequestURI() {
    return jdk.getRequestURI();
  }

  @Override
  public String getRequestMethod() {
    return jdk.getRequestMethod();
  }

  @Override
  public @Nullable HttpContext getHttpContext() {
    return context;
  }

  @Override
  public void close() {
    try {
      cut.write(() -> jdk.close());
    } catch (IOException e) {
      // It was cut, and so is closed.
    } finally {
      over();
    }
  }

  @Override
  public InputStream getRequestBody() {
    return requestBody;
  }

  @Override
  public OutputStream getResponseBody() {
    return responseBody;
  }

  @Override
  public void sendResponseHeaders(int status, long length) throws IOException {
    cut.write(() -> jdk.sendResponseHeaders(status, length));
    boolean bodyless =
        length == -1
            || status < 200
            || status == NO_CONTENT
            || status == NOT_MODIFIED
            || getRequestMethod().equals("HEAD");
    if (bodyless) {
      over();
    }
  }

  @Override
  public InetSocketAddress getRemoteAddress() {
    return jdk.getRemoteAddress();
  }

  @Override
  public int getResponseCode() {
    return jdk.getResponseCode();
  }

  @Override
  public InetSocketAddress getLocalAddress() {
    return jdk.getLocalAddress();
  }

  @Override
  public String getProtocol() {
    return jdk.getProtocol();
  }

  @Override
  public @Nullable Object getAttribute(String name) {
    if (name.equals(MeshHttpServer.PEER)) {
      return peer;
    }
    Object own = attributes.get(name);
    return own != null || context == null ? own : context.getAttributes().get(name);
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    if (name.equals(MeshHttpServer.PEER)) {
      throw new IllegalArgumentException(
          "expected another name of an attribute: " + name + " is the peer that was proven");
    }
    if (value == null) {
      attributes.remove(name);
    } else {
      attributes.put(name, value);
    }
  }

  @Override
  public void setStreams(@Nullable InputStream in, @Nullable OutputStream out) {
    if (in != null) {
      requestBody = in;
    }
    if (out != null) {
      responseBody = out;
    }
  }

  @Override
  public HttpPrincipal getPrincipal() {
    return principal;
  }

  @Override
  public SSLSession getSSLSession() {
    return jdk.getSSLSession();
  }
}
