package io.meshnative.servlet.tomcat;

import io.meshnative.servlet.internal.Engines;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.apache.tomcat.util.net.NioChannel;
import org.apache.tomcat.util.net.NioEndpoint;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SSLImplementation;
import org.apache.tomcat.util.net.SSLSupport;
import org.apache.tomcat.util.net.SSLUtil;
import org.apache.tomcat.util.net.SecureNioChannel;
import org.apache.tomcat.util.net.SocketBufferHandler;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;
import org.apache.tomcat.util.net.jsse.JSSESupport;
import org.apache.tomcat.util.net.openssl.ciphers.Cipher;
import org.apache.tomcat.util.net.openssl.ciphers.Group;
import org.apache.tomcat.util.net.openssl.ciphers.SignatureScheme;

/** Connections of the mesh, and their end. */
final class MeshEndpoint extends NioEndpoint {
  private static final Logger LOG = System.getLogger("io.meshnative.servlet");
  private static final List<String> PROTOCOLS = List.of("h2", "http/1.1");

  private final SSLImplementation sessions = new Sessions();

  /**
   * An engine of the mesh, as it is: Tomcat's lists of suites and groups are what the JDK's engine
   * can do, which is another one.
   */
  @Override
  protected SSLEngine createSSLEngine(
      String host,
      List<Cipher> ciphers,
      List<String> applicationProtocols,
      List<String> protocols,
      List<Group> groups,
      List<SignatureScheme> signatures) {
    SSLEngine engine =
        getSSLHostConfig(host)
            .getCertificates()
            .iterator()
            .next()
            .getSslContext()
            .createSSLEngine();
    engine.setUseClientMode(false);
    engine.setHandshakeApplicationProtocolSelector((handshaking, offered) ->
        PROTOCOLS.stream().filter(offered::contains).findFirst().orElse(""));
    return engine;
  }

  /** Says nothing: what it would say is of key stores that are not used. */
  @Override
  protected void logCertificate(SSLHostConfigCertificate certificate) {}

  @Override
  protected NioChannel createChannel(SocketBufferHandler buffers) {
    return new Channel(buffers, this);
  }

  /** False, so that the first bytes decide, whatever was agreed: see {@link MeshHttp2}. */
  @Override
  public boolean hasNegotiableProtocols() {
    return false;
  }

  @Override
  public SSLImplementation getSslImplementation() {
    return sessions;
  }

  /**
   * Ends a connection whose right is withdrawn, without close_notify: what was cut off must not
   * look complete. The socket is shut down and not closed, since Tomcat's threads are using it:
   * they find it ended at their next read or write, or at once where they wait, and close it
   * themselves.
   */
  void cut(SSLSession session) {
    for (Map.Entry<SocketChannel, SocketWrapperBase<NioChannel>> connection :
        connections.entrySet()) {
      if (connection.getValue().getSocket() instanceof SecureNioChannel channel
          && channel.getSslEngine() != null
          && channel.getSslEngine().getSession() == session) {
        cut(connection.getKey());
      }
    }
  }

  private static void cut(SocketChannel channel) {
    try {
      channel.setOption(StandardSocketOptions.SO_LINGER, 0);
      channel.shutdownOutput();
      channel.shutdownInput();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "the connection to be cut has ended by itself", e);
    }
  }

  /** A connection that has ended is no live one any more. */
  private static final class Channel extends SecureNioChannel {
    Channel(SocketBufferHandler buffers, NioEndpoint endpoint) {
      super(buffers, endpoint);
    }

    @Override
    public void close(boolean force) throws IOException {
      SSLEngine engine = getSslEngine();
      try {
        super.close(force);
      } finally {
        if (engine != null && !isOpen()) {
          Engines.end(engine);
        }
      }
    }
  }

  /** What Tomcat tells of a connection's TLS, with the session itself. */
  static final class Session extends JSSESupport {
    private final SSLSession session;

    Session(SSLSession session, Map<String, List<String>> attributes) {
      super(session, attributes);
      this.session = session;
    }

    SSLSession session() {
      return session;
    }
  }

  private static final class Sessions extends SSLImplementation {
    private final SSLImplementation jsse = new JSSEImplementation();

    @Override
    public SSLSupport getSSLSupport(SSLSession session, Map<String, List<String>> attributes) {
      return new Session(session, attributes);
    }

    @Override
    public SSLUtil getSSLUtil(SSLHostConfigCertificate certificate) {
      return jsse.getSSLUtil(certificate);
    }
  }
}
