package io.meshnative.internal.tls;

import io.meshnative.MeshNotReadyException;
import java.security.SecureRandom;
import java.util.function.Supplier;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * A context that stays the same object while epochs change: each engine or socket is made in the
 * newest one.
 */
public final class MeshSslContext extends SSLContext {

  public MeshSslContext(
      TlsEngines engines,
      Terms terms,
      Supplier<SSLSocketFactory> sockets,
      Supplier<SSLServerSocketFactory> serverSockets) {
    super(new Spi(engines, terms, sockets, serverSockets), engines.provider().provider(), "TLS");
  }

  private static final class Spi extends SSLContextSpi {
    private final TlsEngines engines;
    private final Terms terms;
    private final Supplier<SSLSocketFactory> sockets;
    private final Supplier<SSLServerSocketFactory> serverSockets;

    Spi(
        TlsEngines engines,
        Terms terms,
        Supplier<SSLSocketFactory> sockets,
        Supplier<SSLServerSocketFactory> serverSockets) {
      this.engines = engines;
      this.terms = terms;
      this.sockets = sockets;
      this.serverSockets = serverSockets;
    }

    @Override
    protected void engineInit(
        KeyManager @Nullable [] keys,
        TrustManager @Nullable [] trust,
        @Nullable SecureRandom random) {
      throw new UnsupportedOperationException(
          "this context is initialised by the mesh client; its keys and roots come from the control plane");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return engine(null, -1);
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return engine(host, port);
    }

    private MeshEngine engine(@Nullable String host, int port) {
      try {
        int hint = host == null ? 1 : (host + ":" + port).hashCode() & 0x7fff | 1;
        return engines.engine(terms, host, port, hint);
      } catch (MeshNotReadyException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      return sockets.get();
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      return serverSockets.get();
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return real().getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return real().getClientSessionContext();
    }

    private SSLContext real() {
      try {
        return engines.real(terms);
      } catch (MeshNotReadyException e) {
        throw new IllegalStateException(e.getMessage(), e);
      }
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
      return MeshEngine.ask(engine(null, -1), MeshEngine::getSSLParameters);
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
      return MeshEngine.ask(
          engine(null, -1),
          engine -> {
            SSLParameters parameters = engine.getSSLParameters();
            parameters.setCipherSuites(engine.getSupportedCipherSuites());
            parameters.setProtocols(engine.getSupportedProtocols());
            return parameters;
          });
    }
  }
}
