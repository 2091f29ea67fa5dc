package io.meshnative.servlet.jetty;

import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/**
 * Engines of the mesh, as they are: Jetty's own choice of suites, protocols and stores is made for
 * contexts that it has built, and there is nothing to reload.
 */
final class MeshTls extends SslContextFactory.Server {
  private final List<String> protocols;

  MeshTls(SSLContext context, List<String> protocols) {
    this.protocols = protocols;
    setSslContext(context);
    setNeedClientAuth(true);
    setSniRequired(false);
    setRenegotiationAllowed(false);
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
