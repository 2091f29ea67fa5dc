package io.meshnative.internal.transport;

import java.math.BigInteger;
import java.net.Socket;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.conscrypt.Conscrypt;
import org.jspecify.annotations.Nullable;

/** Engines of each provider, with one self-made certificate for everybody. */
final class Tls {
  /** Whose engine. */
  enum Vendor {
    JSSE,
    CONSCRYPT
  }

  private static final KeyPair KEY = key();
  private static final X509Certificate CERTIFICATE = certificate();
  private static final java.security.Provider CONSCRYPT = Conscrypt.newProvider();

  private Tls() {}

  /** A fresh context, so that nothing is resumed, that trusts everybody or nobody. */
  static SSLContext context(Vendor vendor, boolean trusting) {
    return context(
        vendor,
        () -> {
          if (!trusting) {
            throw new CertificateException("nobody is trusted here");
          }
        });
  }

  /** What the trust manager does. */
  interface Check {
    void run() throws CertificateException;
  }

  static SSLContext context(Vendor vendor, Check check) {
    try {
      SSLContext context =
          vendor == Vendor.JSSE
              ? SSLContext.getInstance("TLS", "SunJSSE")
              : SSLContext.getInstance("TLS", CONSCRYPT);
      context.init(new KeyManager[] {new OneKey()}, new TrustManager[] {new Anybody(check)}, null);
      return context;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static SSLEngine engine(Vendor vendor, String version, boolean client) {
    return engine(vendor, version, client, true);
  }

  static SSLEngine engine(Vendor vendor, String version, boolean client, boolean trusting) {
    SSLEngine engine = context(vendor, trusting).createSSLEngine();
    engine.setUseClientMode(client);
    engine.setEnabledProtocols(new String[] {version});
    if (!client) {
      engine.setNeedClientAuth(true);
    }
    return engine;
  }

  private static KeyPair key() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static X509Certificate certificate() {
    try {
      X500Name name = new X500Name("CN=test");
      Instant now = Instant.now();
      return new JcaX509CertificateConverter()
          .getCertificate(
              new JcaX509v3CertificateBuilder(
                      name,
                      BigInteger.ONE,
                      Date.from(now.minus(1, ChronoUnit.DAYS)),
                      Date.from(now.plus(1, ChronoUnit.DAYS)),
                      name,
                      KEY.getPublic())
                  .build(new JcaContentSignerBuilder("SHA256withECDSA").build(KEY.getPrivate())));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static final class OneKey extends X509ExtendedKeyManager {
    @Override
    public String[] getClientAliases(String type, Principal[] issuers) {
      return new String[] {"one"};
    }

    @Override
    public String chooseClientAlias(String[] types, Principal[] issuers, Socket socket) {
      return "one";
    }

    @Override
    public String chooseEngineClientAlias(String[] types, Principal[] issuers, SSLEngine engine) {
      return "one";
    }

    @Override
    public String[] getServerAliases(String type, Principal[] issuers) {
      return new String[] {"one"};
    }

    @Override
    public @Nullable String chooseServerAlias(String type, Principal[] issuers, Socket socket) {
      return type.startsWith("EC") ? "one" : null;
    }

    @Override
    public @Nullable String chooseEngineServerAlias(
        String type, Principal[] issuers, SSLEngine engine) {
      return type.startsWith("EC") ? "one" : null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String alias) {
      return new X509Certificate[] {CERTIFICATE};
    }

    @Override
    public PrivateKey getPrivateKey(String alias) {
      return KEY.getPrivate();
    }
  }

  private static final class Anybody extends X509ExtendedTrustManager {
    private final Check check;

    Anybody(Check check) {
      this.check = check;
    }

    private void check() throws CertificateException {
      check.run();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      check();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      check();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      check();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
