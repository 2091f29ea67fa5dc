package io.meshnative.benchmarks;

import javax.net.ssl.SSLEngine;
import org.eclipse.jetty.alpn.server.ALPNServerConnection;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.ssl.ALPNProcessor;

/**
 * Jetty agrees on HTTP/2 by the standard way on every engine; its own processor knows the JDK's
 * only.
 */
public final class EngineAlpn implements ALPNProcessor.Server {

  @Override
  public boolean appliesTo(SSLEngine engine) {
    return true;
  }

  @Override
  public void configure(SSLEngine engine, Connection connection) {
    ALPNServerConnection agreeing = (ALPNServerConnection) connection;
    engine.setHandshakeApplicationProtocolSelector((asked, offered) -> {
      agreeing.select(offered);
      return agreeing.getProtocol();
    });
  }
}
