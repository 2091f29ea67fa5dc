package io.meshnative.servlet.jetty;

import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Engines of the mesh, as they are: Jetty's own choice of suites, protocols and stores is made for
 * contexts that it has built, and there is nothing to reload.
 *
 * <p>Jetty asks its context for suites, sessions and an engine when it starts, which may be before
 * there is an identity. It is shown one that has no key: whatever got an engine of that would be
 * refused in the handshake. Connections get engines of the mesh.
 */
final class MeshTls extends SslContextFactory.Server {
  private final SSLContext mesh;
  private final List<String> protocols;

  MeshTls(SSLContext context, List<String> protocols) {
    this.mesh = context;
    this.protocols = protocols;
    setSslContext(withoutKey());
    setNeedClientAuth(true);
    setSniRequired(false);
    setRenegotiationAllowed(false);
  }

  private static SSLContext withoutKey() {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[0], new TrustManager[0], null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("expected a TLS context of the JDK, found none", e);
    }
  }

  /** Of suites and protocols that no connection of the mesh has. */
  @Override
  protected void checkConfiguration() {}

  /** For those who want to know the size of buffers. */
  @Override
  public SSLEngine newSSLEngine() {
    try {
      return ready(mesh.createSSLEngine());
    } catch (IllegalStateException e) {
      return super.newSSLEngine(); // there is no identity yet
    }
  }

  /** For a connection; without an identity it is refused. */
  @Override
  public SSLEngine newSSLEngine(String host, int port) {
    return ready(mesh.createSSLEngine(host, port));
  }

  private SSLEngine ready(SSLEngine engine) {
    customize(engine);
    return engine;
  }

  @Override
  public void customize(SSLEngine engine) {
    engine.setHandshakeApplicationProtocolSelector((handshaking, offered) -> select(offered));
  }

  /** Empty where there is nothing in common: the first bytes decide in any case. */
  private String select(List<String> offered) {
    return protocols.stream().filter(offered::contains).findFirst().orElse("");
  }
}
