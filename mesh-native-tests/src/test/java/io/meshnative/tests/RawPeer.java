package io.meshnative.tests;

import io.meshnative.testkit.IssuedCertificate;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * A TLS peer that is not ours: one context of a provider, which keeps its sessions and offers them
 * again, presents exactly the chain it was given and trusts everybody.
 */
final class RawPeer {
  private static final int HANG_GUARD_MILLIS = 60_000;

  /** What to present. */
  record Card(List<X509Certificate> chain, PrivateKey key) {
    static Card of(IssuedCertificate issued) {
      return new Card(issued.chain(), issued.privateKey());
    }
  }

  private final SSLContext context;
  private final AtomicReference<Card> card = new AtomicReference<>();
  private final AtomicInteger checks = new AtomicInteger();

  private RawPeer(Provider provider, Card card) {
    this.card.set(card);
    try {
      context = SSLContext.getInstance("TLS", provider);
      context.init(new KeyManager[] {new Keys()}, new TrustManager[] {new TrustAll()}, null);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  static RawPeer of(Provider provider, IssuedCertificate issued) {
    return new RawPeer(provider, Card.of(issued));
  }

  static RawPeer of(Provider provider, Card card) {
    return new RawPeer(provider, card);
  }

  /** A peer without any certificate. */
  static RawPeer nameless(Provider provider) {
    return new RawPeer(provider, null);
  }

  /** Presents another chain from now on; the context and its sessions stay. */
  void present(IssuedCertificate issued) {
    card.set(Card.of(issued));
  }

  /** How many full handshakes looked at a certificate: a resumed one calls no trust manager. */
  int fullHandshakes() {
    return checks.get();
  }

  SSLEngine serverEngine() {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(false);
    engine.setNeedClientAuth(true);
    return engine;
  }

  /** A connected socket of one TLS version, its handshake not begun. */
  SSLSocket connect(int port, String... versions) throws IOException {
    Socket raw = new Socket("127.0.0.1", port);
    raw.setTcpNoDelay(true);
    raw.setSoTimeout(HANG_GUARD_MILLIS);
    SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(raw, "peer.test", port, true);
    if (versions.length > 0) {
      socket.setEnabledProtocols(versions);
    }
    return socket;
  }

  /** Listens for peers with any certificate, and never looks at a policy. */
  java.net.ServerSocket listen() throws IOException {
    javax.net.ssl.SSLServerSocket server =
        (javax.net.ssl.SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress());
    server.setNeedClientAuth(true);
    return server;
  }

  /** Connects, sends a byte and gets it back. */
  void ping(int port, String... versions) throws IOException {
    try (SSLSocket socket = connect(port, versions)) {
      Echo.ping(socket);
    }
  }

  private final class Keys extends X509ExtendedKeyManager {
    private boolean fits(String type) {
      Card now = card.get();
      return now != null
          && (type.equals(now.key().getAlgorithm())
              || type.startsWith(now.key().getAlgorithm() + "_"));
    }

    @Override
    public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
      return chooseClientAlias(types, issuers, null);
    }

    @Override
    public String chooseEngineServerAlias(String type, Principal[] issuers, SSLEngine engine) {
      return chooseServerAlias(type, issuers, null);
    }

    @Override
    public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
      for (String type : types) {
        if (fits(type)) {
          return "card";
        }
      }
      return null;
    }

    @Override
    public String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
      return fits(type) ? "card" : null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return card.get().chain().toArray(new X509Certificate[0]);
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return card.get().key();
    }

    @Override
    public String[] getClientAliases(String type, Principal[] issuers) {
      return fits(type) ? new String[] {"card"} : null;
    }

    @Override
    public String[] getServerAliases(String type, Principal[] issuers) {
      return getClientAliases(type, issuers);
    }
  }

  private final class TrustAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {
      checks.incrementAndGet();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {
      checks.incrementAndGet();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {
      checks.incrementAndGet();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {
      checks.incrementAndGet();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
      checks.incrementAndGet();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {
      checks.incrementAndGet();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
