package io.meshnative.tests;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.security.KeyManagementException;
import java.security.NoSuchAlgorithmException;
import java.security.Provider;
import java.security.SecureRandom;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;

/**
 * Another provider's contexts, and every engine that was ever made of them. It holds them fast, so
 * that no finalizer frees what the library has forgotten.
 */
final class CountingProvider extends Provider {
  private static final long serialVersionUID = 1L;
  private final transient Provider real;
  private final transient Queue<SSLEngine> engines = new ConcurrentLinkedQueue<>();

  CountingProvider(Provider real) {
    super("Counting" + real.getName(), "1", "counts engines");
    this.real = real;
    putService(
        new Service(this, "SSLContext", "TLS", Spi.class.getName(), null, null) {
          @Override
          public Object newInstance(Object parameter) throws NoSuchAlgorithmException {
            return new Spi(SSLContext.getInstance("TLS", CountingProvider.this.real));
          }
        });
  }

  int made() {
    return engines.size();
  }

  /** Engines that still hold what they held while they worked. */
  List<SSLEngine> live() {
    return engines.stream().filter(engine -> !isFreed(engine)).toList();
  }

  private static boolean isFreed(SSLEngine engine) {
    if (!engine.getClass().getName().startsWith("org.conscrypt.")) {
      return engine.isOutboundDone() && engine.isInboundDone();
    }
    try {
      Object ssl = field(field(engine, "delegate"), "ssl");
      Method closed = ssl.getClass().getDeclaredMethod("isClosed");
      closed.setAccessible(true);
      return (Boolean) closed.invoke(ssl);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("expected the fields of Conscrypt's engine", e);
    }
  }

  private static Object field(Object owner, String name) throws ReflectiveOperationException {
    Field field = owner.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(owner);
  }

  private final class Spi extends SSLContextSpi {
    private final SSLContext context;

    Spi(SSLContext context) {
      this.context = context;
    }

    private SSLEngine counted(SSLEngine engine) {
      engines.add(engine);
      return engine;
    }

    @Override
    protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random)
        throws KeyManagementException {
      context.init(keys, trust, random);
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return counted(context.createSSLEngine());
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return counted(context.createSSLEngine(host, port));
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      throw new UnsupportedOperationException("only engines are used");
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      throw new UnsupportedOperationException("only engines are used");
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return context.getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return context.getClientSessionContext();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
      return context.getDefaultSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
      return context.getSupportedSSLParameters();
    }
  }
}
