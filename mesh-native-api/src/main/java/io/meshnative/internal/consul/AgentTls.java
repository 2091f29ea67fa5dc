package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.identity.CredentialFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.jspecify.annotations.Nullable;

/**
 * TLS to the agent's HTTPS port: the JDK's own, with the configured authorities and client
 * certificate. The agent's certificate authority and the mesh's are different ones; nothing of the
 * mesh is used here.
 *
 * <p>The JDK's providers are named (T55): whatever provider the application put first would
 * otherwise do the handshake and judge the agent's certificate.
 */
record AgentTls(SSLSocketFactory sockets, X509TrustManager trust) {
  private static final Logger LOG = System.getLogger(AgentTls.class.getName());
  private static final String JSSE = "SunJSSE";

  /** Longer than any bundle of authorities. */
  private static final int MAX_FILE = 8 * 1024 * 1024;

  /** How often certificate and key are read until both are of one generation. */
  private static final int PAIR_ATTEMPTS = 5;

  static AgentTls of(ConsulConfig config) throws ControlPlaneException {
    try {
      X509TrustManager trust = config.verify() ? trust(config) : new TrustAll();
      return new AgentTls(context(keys(config), trust).getSocketFactory(), trust);
    } catch (IOException | GeneralSecurityException e) {
      throw new ControlPlaneException(
          "TLS to the Consul agent: expected readable PEM files of authorities, client certificate"
              + " and key, found "
              + e.getClass().getSimpleName()
              + ": "
              + e.getMessage(),
          0,
          null,
          e);
    }
  }

  private static SSLContext context(KeyManager @Nullable [] keys, X509TrustManager trust)
      throws GeneralSecurityException {
    TrustManager[] managers = {trust};
    try {
      SSLContext context = SSLContext.getInstance("TLS", JSSE);
      context.init(keys, managers, null);
      sayHello(context);
      return context;
    } catch (GeneralSecurityException | IOException | LinkageError e) {
      // A JDK without it; or Conscrypt registered first, which JSSE does not survive.
      LOG.log(
          Level.WARNING,
          "TLS to the Consul agent runs on the first registered provider, since the JDK's own does"
              + " not work here: {0}",
          String.valueOf(e));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys, managers, null);
      return context;
    }
  }

  /** JVMs that were cut down to a validated provider have none. */
  private static boolean hasJsse() {
    return Security.getProvider(JSSE) != null;
  }

  /** Makes the first message of a handshake, and drops it: what is broken fails here. */
  private static void sayHello(SSLContext context) throws IOException {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(true);
    engine.beginHandshake();
    engine.wrap(
        ByteBuffer.allocate(0), ByteBuffer.allocate(engine.getSession().getPacketBufferSize()));
    engine.closeOutbound();
  }

  private static X509TrustManager trust(ConsulConfig config)
      throws IOException, GeneralSecurityException {
    List<X509Certificate> authorities = new ArrayList<>();
    Path file = config.caFile().orElse(null);
    if (file != null) {
      authorities.addAll(certificates(file));
    }
    Path directory = config.caDirectory().orElse(null);
    if (directory != null) {
      try (DirectoryStream<Path> entries =
          Files.newDirectoryStream(directory, Files::isRegularFile)) {
        for (Path entry : entries) {
          authorities.addAll(certificates(entry));
        }
      }
    }
    boolean configured = file != null || directory != null;
    if (configured && authorities.isEmpty()) {
      throw new GeneralSecurityException("no certificate in the configured authorities");
    }
    KeyStore store = null; // null: the JDK's own authorities
    if (configured) {
      store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      for (int i = 0; i < authorities.size(); i++) {
        store.setCertificateEntry("ca-" + i, authorities.get(i));
      }
    }
    TrustManagerFactory factory =
        hasJsse()
            ? TrustManagerFactory.getInstance("PKIX", JSSE)
            : TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        return x509;
      }
    }
    throw new GeneralSecurityException("the JDK gave no X.509 trust manager");
  }

  private static KeyManager @Nullable [] keys(ConsulConfig config)
      throws IOException, GeneralSecurityException {
    Path certificate = config.clientCertificate().orElse(null);
    Path key = config.clientKey().orElse(null);
    if (certificate == null || key == null) {
      return null;
    }
    if (CredentialFile.isReadableByEverybody(key)) {
      LOG.log(
          Level.WARNING,
          "The key {0} may be read by everybody on this machine; take the right away: chmod o-r",
          key);
    }
    Pair pair = pair(certificate, key);
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    char[] none = new char[0];
    store.setKeyEntry("client", pair.key, none, pair.chain.toArray(new Certificate[0]));
    KeyManagerFactory factory =
        hasJsse()
            ? KeyManagerFactory.getInstance("SunX509", JSSE)
            : KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, none);
    return factory.getKeyManagers();
  }

  /** Certificate and key that belong together; no record, whose toString would show the key. */
  private static final class Pair {
    final List<X509Certificate> chain;
    final PrivateKey key;

    Pair(List<X509Certificate> chain, PrivateKey key) {
      this.chain = chain;
      this.key = key;
    }
  }

  /** Both files are replaced from time to time, one after the other. */
  private static Pair pair(Path certificate, Path key)
      throws IOException, GeneralSecurityException {
    for (int attempt = 1; ; attempt++) {
      List<X509Certificate> chain = certificates(certificate);
      PrivateKey read = privateKey(key);
      if (!chain.isEmpty() && signsFor(chain.get(0), read)) {
        return new Pair(chain, read);
      }
      if (attempt == PAIR_ATTEMPTS) {
        throw new GeneralSecurityException(
            "expected the key of the certificate in "
                + certificate
                + " in "
                + key
                + ", found the key of another");
      }
    }
  }

  private static boolean signsFor(X509Certificate certificate, PrivateKey key)
      throws GeneralSecurityException {
    String algorithm = key.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "SHA256withRSA";
    if (!certificate.getPublicKey().getAlgorithm().equals(key.getAlgorithm())) {
      return false;
    }
    byte[] challenge = "mesh-native key check".getBytes(StandardCharsets.US_ASCII);
    Signature signer = Signature.getInstance(algorithm);
    signer.initSign(key);
    signer.update(challenge);
    byte[] signature = signer.sign();
    Signature verifier = Signature.getInstance(algorithm);
    verifier.initVerify(certificate.getPublicKey());
    verifier.update(challenge);
    try {
      return verifier.verify(signature);
    } catch (SignatureException e) {
      return false; // of another curve or length
    }
  }

  private static List<X509Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    List<X509Certificate> certificates = new ArrayList<>();
    byte[] pem = CredentialFile.read(file, MAX_FILE);
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509", "SUN");
      for (Certificate each : factory.generateCertificates(new ByteArrayInputStream(pem))) {
        certificates.add((X509Certificate) each);
      }
    } catch (GeneralSecurityException e) {
      throw new GeneralSecurityException(file + " holds no readable certificates", e);
    }
    return certificates;
  }

  /** Consul's own tool writes SEC1 keys, which Java cannot read unwrapped. */
  private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
    PrivateKeyInfo info;
    String pem = new String(CredentialFile.read(file, MAX_FILE), StandardCharsets.US_ASCII);
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      Object object = parser.readObject();
      if (object instanceof ASN1ObjectIdentifier) {
        object =
            parser.readObject(); // OpenSSL writes the curve as a block of its own before the key
      }
      if (object instanceof PEMKeyPair pair) {
        info = pair.getPrivateKeyInfo();
      } else if (object instanceof PrivateKeyInfo pkcs8) {
        info = pkcs8;
      } else {
        throw new GeneralSecurityException(file + " holds no unencrypted private key");
      }
    } catch (IOException | RuntimeException e) {
      throw new GeneralSecurityException(
          file + " holds no readable private key"); // its text is a secret
    }
    boolean ec =
        info.getPrivateKeyAlgorithm().getAlgorithm().equals(X9ObjectIdentifiers.id_ecPublicKey);
    return KeyFactory.getInstance(ec ? "EC" : "RSA")
        .generatePrivate(new PKCS8EncodedKeySpec(info.getEncoded()));
  }

  /** Trusts anyone: only where verification was switched off by name, and warned about. */
  private static final class TrustAll implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
