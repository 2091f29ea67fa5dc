package io.meshnative.tests;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;

/**
 * An HTTP application that knows nothing of a mesh, for behind a sidecar: it answers in plain text
 * what it was asked, HTTP/1.1 or HTTP/2 without TLS, on loopback.
 */
final class PlainApplication implements AutoCloseable {
  /** Its answer never ends. */
  static final String STREAM = "/stream";

  private static final long PAUSE = Duration.ofMillis(5).toNanos();

  private final Server server = new Server();
  private final ServerConnector connector;
  private final AtomicInteger requests = new AtomicInteger();

  private PlainApplication() {
    HttpConfiguration configuration = new HttpConfiguration();
    connector =
        new ServerConnector(
            server,
            1,
            1,
            new HttpConnectionFactory(configuration),
            new HTTP2CServerConnectionFactory(configuration));
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(
        new Handler.Abstract() {
          @Override
          public boolean handle(Request request, Response response, Callback callback)
              throws IOException {
            requests.incrementAndGet();
            response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain");
            if (request.getHttpURI().getPath().equals(STREAM)) {
              stream(response);
            } else {
              Content.Sink.write(response, true, told(request), callback);
            }
            return true;
          }
        });
  }

  static PlainApplication start() throws Exception {
    PlainApplication application = new PlainApplication();
    application.server.start();
    return application;
  }

  /** Method, target, version, and who the sidecar says that the caller is. */
  private static String told(Request request) {
    return request.getMethod()
        + " "
        + request.getHttpURI().getPathQuery()
        + " "
        + request.getConnectionMetaData().getHttpVersion().asString()
        + " from "
        + request.getHeaders().get("x-forwarded-client-cert");
  }

  /** Ends when nobody takes it any more. */
  private static void stream(Response response) throws IOException {
    OutputStream out = Content.Sink.asOutputStream(response);
    byte[] line = "still here\n".getBytes(StandardCharsets.US_ASCII);
    while (true) {
      out.write(line);
      out.flush();
      LockSupport.parkNanos(PAUSE);
    }
  }

  int port() {
    return connector.getLocalPort();
  }

  /** How many requests reached it. */
  int requests() {
    return requests.get();
  }

  @Override
  public void close() throws Exception {
    server.stop();
  }
}
