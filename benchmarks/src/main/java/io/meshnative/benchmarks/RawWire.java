package io.meshnative.benchmarks;

import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/**
 * By hand, as one writes it without a mesh: a key store, a trust store with the mesh's root, and
 * the provider's own {@code SSLSocket}. It checks the chain, and neither who the peer is nor
 * whether it may call.
 */
final class RawWire extends Wire {
  private static final char[] NO_PASSWORD = new char[0];

  private final SSLContext client;
  private final SSLContext server;
  private final ServerSocket listening;

  /** A name that never comes again keeps a client from finding a session to offer. */
  private final AtomicLong names = new AtomicLong();

  RawWire(EmbeddedControlPlane plane, Engine engine, int chainLength) throws Exception {
    X509Certificate root = plane.roots().get(0);
    this.client = context(engine, plane.caIssue("web"), root, chainLength);
    this.server = context(engine, plane.caIssue("db-" + engine), root, chainLength);
    this.listening = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    serve(listening);
  }

  static SSLContext context(
      Engine engine, IssuedCertificate issued, X509Certificate root, int chainLength)
      throws Exception {
    if (issued.chain().size() != chainLength) {
      throw new IllegalStateException(
          "expected chains of equal lengths, found "
              + issued.chain().size()
              + " by hand and "
              + chainLength
              + " in the mesh");
    }
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry(
        "self", issued.privateKey(), NO_PASSWORD, issued.chain().toArray(new X509Certificate[0]));
    KeyManagerFactory own = KeyManagerFactory.getInstance("SunX509");
    own.init(keys, NO_PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS", engine.provider().provider());
    context.init(own.getKeyManagers(), new TrustManager[] {trust(engine, root)}, null);
    context.getClientSessionContext().setSessionCacheSize(1);
    return context;
  }

  /** The provider's own: the JDK's does not know the authentication type that Conscrypt names. */
  static X509TrustManager trust(Engine engine, X509Certificate root) throws Exception {
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    roots.setCertificateEntry("root", root);
    Provider provider = engine.provider().provider();
    TrustManagerFactory trusted = TrustManagerFactory.getInstance("PKIX", provider);
    trusted.init(roots);
    return (X509TrustManager) trusted.getTrustManagers()[0];
  }

  @Override
  Socket accepted(Socket raw) throws IOException {
    raw.setTcpNoDelay(true);
    SSLSocket socket =
        (SSLSocket) server.getSocketFactory().createSocket(raw, "caller", raw.getPort(), true);
    socket.setUseClientMode(false);
    socket.setNeedClientAuth(true);
    socket.setEnabledProtocols(new String[] {"TLSv1.3"});
    return socket;
  }

  @Override
  SSLSocket connect() throws IOException {
    Socket raw = new Socket();
    raw.setTcpNoDelay(true);
    raw.connect(new InetSocketAddress("127.0.0.1", listening.getLocalPort()));
    SSLSocket socket =
        (SSLSocket)
            client
                .getSocketFactory()
                .createSocket(raw, "callee" + names.incrementAndGet(), raw.getPort(), true);
    socket.setEnabledProtocols(new String[] {"TLSv1.3"});
    socket.startHandshake();
    return socket;
  }

  @Override
  long resumed() {
    return 0; // each connection has a name of its own, and a session is looked up by it
  }

  @Override
  public void close() throws Exception {
    listening.close();
    super.close();
  }
}
