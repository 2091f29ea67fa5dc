package io.meshnative.benchmarks;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** The same Jetty on every path: HTTP/1.1 and HTTP/2, by TLS or in plaintext behind a sidecar. */
final class HttpService implements AutoCloseable {
  static final String BODY = "x".repeat(128);

  private final Server server;
  private final ServerConnector connector;

  private HttpService(Server server, ServerConnector connector) throws Exception {
    this.server = server;
    this.connector = connector;
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(new Hello());
    server.start();
  }

  private static Server server() {
    QueuedThreadPool threads = new QueuedThreadPool(32);
    threads.setDaemon(true);
    return new Server(threads);
  }

  private static HttpConfiguration secure() {
    HttpConfiguration configuration = configuration();
    // Jetty would add one that compares host names; who is who is no matter of those here.
    configuration.addCustomizer(new SecureRequestCustomizer(false));
    return configuration;
  }

  private static HttpConfiguration configuration() {
    HttpConfiguration configuration = new HttpConfiguration();
    configuration.setSendServerVersion(false);
    return configuration;
  }

  /** By mutual TLS 1.3. */
  static HttpService tls(SSLContext context) throws Exception {
    Server server = server();
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setSslContext(context);
    tls.setNeedClientAuth(true);
    tls.setSniRequired(false);
    tls.setIncludeProtocols("TLSv1.3");
    tls.setExcludeCipherSuites();
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory("h2", "http/1.1");
    alpn.setDefaultProtocol("http/1.1");
    ConnectionFactory[] all = {
      new SslConnectionFactory(tls, alpn.getProtocol()),
      alpn,
      new HTTP2ServerConnectionFactory(secure()),
      new HttpConnectionFactory(secure())
    };
    return new HttpService(server, new ServerConnector(server, null, null, null, 1, 1, all));
  }

  /** In plaintext: what HTTP it is shows by its first bytes. */
  static HttpService plain() throws Exception {
    Server server = server();
    HttpConfiguration configuration = configuration();
    ConnectionFactory[] all = {
      new HttpConnectionFactory(configuration), new HTTP2CServerConnectionFactory(configuration)
    };
    return new HttpService(server, new ServerConnector(server, null, null, null, 1, 1, all));
  }

  int port() {
    return connector.getLocalPort();
  }

  private static final class Hello extends Handler.Abstract {
    private final byte[] body = BODY.getBytes(StandardCharsets.US_ASCII);

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      response.setStatus(200);
      response.getHeaders().put("Content-Type", "text/plain");
      response.getHeaders().put("Content-Length", body.length);
      response.write(true, ByteBuffer.wrap(body), callback);
      return true;
    }
  }

  @Override
  public void close() throws Exception {
    server.stop();
  }
}
