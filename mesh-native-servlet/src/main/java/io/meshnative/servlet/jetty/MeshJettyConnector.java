package io.meshnative.servlet.jetty;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import io.meshnative.servlet.internal.Engines;
import io.meshnative.servlet.internal.RequestJudge;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Objects;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.SslConnection;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.component.Container;
import org.eclipse.jetty.util.component.LifeCycle;

/**
 * A connector of embedded Jetty that accepts the mesh: mutual TLS with the service's identity, and
 * intentions down to methods, paths and headers.
 *
 * <pre>{@code
 * Server server = new Server();
 * MeshJettyConnector connector = new MeshJettyConnector(server, mesh);
 * connector.setPort(9443);
 * server.addConnector(connector);
 * server.setHandler(context);      // any handlers, with or without servlets
 * server.start();
 * }</pre>
 *
 * <p><b>What sees every request.</b> Filters see the requests of one context that are mapped to
 * them; they see none that no context takes, none that a handler before the contexts answers, and
 * their order is the application's. So requests are judged by a handler that this connector puts at
 * the root of the server when that starts, before every other: whatever the network sends, the
 * first code that meets it is the judgement, and the path judged is the one that all handlers below
 * are given. The gate (see {@link RequestGate}) is armed when the connector starts, after it was
 * looked up that the server's handler is that one; it is disarmed at the moment when it is no more,
 * as by {@code Server.setHandler} while the server runs, and then peers with layer-7 intentions are
 * cut and refused. {@code MeshAuthorizationFilter} is not needed, and does nothing more where it is
 * installed.
 *
 * <p>The peer is a request attribute (see {@link io.meshnative.servlet.MeshPeers}) and the
 * request's principal, with {@code CLIENT_CERT} as the type of authentication; a context with a
 * security handler of its own has that one's principal. Headers by which callers could claim an
 * identity are taken out. When a right is withdrawn, running requests end: the transport is closed
 * (HTTP/1.1, WebSocket) or the stream is reset (HTTP/2), reads and writes throw, asynchronous
 * requests end by their {@code onError}.
 *
 * <p>HTTP/2 is spoken where {@code jetty-http2-server} is present; which protocol a connection
 * speaks is decided by its first bytes, because there are peers whose ALPN does not tell. No {@code
 * jetty-alpn} module is needed. The parser is strict (no violation of RFC 9110 or RFC 3986, no
 * ambiguous path). Other connectors of the server are left alone.
 */
public final class MeshJettyConnector extends ServerConnector {
  private static final Logger LOG = System.getLogger("io.meshnative.servlet");

  private final Server server;
  private final RequestGate gate;
  private final RequestJudge judge;

  /**
   * Makes a connector; the caller adds it to the server.
   *
   * @param server the server, not started yet
   * @param mesh whose identity the server has; must stay open as long as the server runs
   */
  public MeshJettyConnector(Server server, MeshClient mesh) {
    this(server, mesh, strictConfiguration());
  }

  /**
   * Makes a connector with settings.
   *
   * @param server the server, not started yet
   * @param mesh whose identity the server has; must stay open as long as the server runs
   * @param configuration the settings of HTTP, from {@link #strictConfiguration}
   */
  public MeshJettyConnector(Server server, MeshClient mesh, HttpConfiguration configuration) {
    this(
        Objects.requireNonNull(server, "server"),
        Objects.requireNonNull(mesh, "mesh"),
        Objects.requireNonNull(configuration, "configuration"),
        mesh.requestGate());
  }

  private MeshJettyConnector(
      Server server, MeshClient mesh, HttpConfiguration configuration, RequestGate gate) {
    super(server, factories(mesh, configuration, gate));
    this.server = server;
    this.gate = gate;
    this.judge = new RequestJudge(mesh);
    MeshHandler.atRootOf(server);
    server.addEventListener(new RootWatch());
    addBean(new ConnectionEnd());
  }

  private static ConnectionFactory[] factories(
      MeshClient mesh, HttpConfiguration configuration, RequestGate gate) {
    HttpConnectionFactory http1 = new HttpConnectionFactory(configuration);
    if (!hasHttp2()) {
      SslConnectionFactory tls =
          new SslConnectionFactory(
              new MeshTls(mesh.serverContext(gate), List.of("http/1.1")), http1.getProtocol());
      return new ConnectionFactory[] {tls, http1};
    }
    ConnectionFactory detector = PrefaceDetection.before(configuration);
    SslConnectionFactory tls =
        new SslConnectionFactory(
            new MeshTls(mesh.serverContext(gate), List.of("h2", "http/1.1")),
            detector.getProtocol());
    return new ConnectionFactory[] {tls, detector, http1};
  }

  private static boolean hasHttp2() {
    try {
      Class.forName(
          "org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory",
          false,
          MeshJettyConnector.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  /**
   * Returns settings for requests of the mesh: a strict parser, no version in the answers, and no
   * comparison of the SNI with the certificate, which names a SPIFFE id. Ambiguous paths are left
   * to the judgement, which refuses them and ends the connection: Jetty would go on with it.
   *
   * @return new settings; the caller may change limits and buffers
   */
  public static HttpConfiguration strictConfiguration() {
    HttpConfiguration configuration = new HttpConfiguration();
    configuration.setHttpCompliance(HttpCompliance.STRICT);
    configuration.setUriCompliance(UriCompliance.UNSAFE);
    configuration.setSendServerVersion(false);
    configuration.addCustomizer(new SecureRequestCustomizer(false));
    return configuration;
  }

  /**
   * Tells whether requests are being judged.
   *
   * @return true while the connector runs and every request of it meets the judgement first
   */
  public boolean isArmed() {
    return gate.isArmed();
  }

  RequestJudge judge() {
    return judge;
  }

  /**
   * Arms the gate before the first connection is accepted.
   *
   * @throws IllegalStateException if another handler stands at the root of the server
   */
  @Override
  protected void doStart() throws Exception {
    if (!isJudgedFirst()) {
      throw new IllegalStateException(
          "expected the mesh's handler at the root of the server, found "
              + server.getHandler()
              + "; make the connector before the server starts, and put handlers with setHandler"
              + " before that, too");
    }
    gate.arm();
    boolean started = false;
    try {
      super.doStart();
      started = true;
    } finally {
      if (!started) {
        gate.disarm();
      }
    }
  }

  @Override
  protected void doStop() throws Exception {
    try {
      super.doStop();
    } finally {
      gate.disarm();
    }
  }

  private boolean isJudgedFirst() {
    return server.getHandler() instanceof MeshHandler;
  }

  /** A connection that has ended is no live one any more. */
  private static final class ConnectionEnd implements Connection.Listener {
    @Override
    public void onClosed(Connection connection) {
      if (connection instanceof SslConnection tls) {
        Engines.end(tls.getSSLEngine());
      }
    }
  }

  /** Puts the judgement first before anything starts, and hears when it is there no more. */
  private final class RootWatch implements Container.Listener, LifeCycle.Listener {
    @Override
    public void lifeCycleStarting(LifeCycle event) {
      MeshHandler.atRootOf(server);
    }

    @Override
    public void beanAdded(Container parent, Object child) {}

    /** Told before the server's handler is another: what left the root is what counts. */
    @Override
    public void beanRemoved(Container parent, Object child) {
      // Before the start it is put back by it: Spring Boot wraps the root late, for one.
      if (parent == server && child instanceof MeshHandler && gate.isArmed()) {
        gate.disarm();
        LOG.log(
            Level.ERROR,
            "the mesh's handler was taken from the root of the server: requests are no longer"
                + " judged, so peers with layer-7 intentions are refused");
      }
    }
  }
}
