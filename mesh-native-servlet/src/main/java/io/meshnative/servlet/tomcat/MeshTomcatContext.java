package io.meshnative.servlet.tomcat;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;

/**
 * The mesh's context in Tomcat's words: always the same object, each engine of the newest epoch.
 */
final class MeshTomcatContext implements org.apache.tomcat.util.net.SSLContext {
  private final MeshClient mesh;
  private final SSLContext context;

  MeshTomcatContext(MeshClient mesh, RequestGate gate) {
    this.mesh = mesh;
    this.context = mesh.serverContext(gate);
  }

  /** Nothing to do: keys and roots come from the control plane. */
  @Override
  public void init(KeyManager[] keys, TrustManager[] trust, SecureRandom random) {}

  /** Nothing to do: the context is the client's. */
  @Override
  public void destroy() {}

  @Override
  public SSLSessionContext getServerSessionContext() {
    return context.getServerSessionContext();
  }

  @Override
  public SSLEngine createSSLEngine() {
    return context.createSSLEngine();
  }

  @Override
  public SSLServerSocketFactory getServerSocketFactory() {
    return context.getServerSocketFactory();
  }

  @Override
  public SSLParameters getSupportedSSLParameters() {
    return context.getSupportedSSLParameters();
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return mesh.identity().chain().toArray(new X509Certificate[0]);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
