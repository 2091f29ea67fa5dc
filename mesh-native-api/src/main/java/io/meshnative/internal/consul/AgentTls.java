package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
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
 */
record AgentTls(SSLSocketFactory sockets, X509TrustManager trust) {

  static AgentTls of(ConsulConfig config) throws ControlPlaneException {
    try {
      X509TrustManager trust = config.verify() ? trust(config) : new TrustAll();
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys(config), new TrustManager[] {trust}, null);
      return new AgentTls(context.getSocketFactory(), trust);
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
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
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
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    char[] none = new char[0];
    store.setKeyEntry(
        "client", privateKey(key), none, certificates(certificate).toArray(new Certificate[0]));
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, none);
    return factory.getKeyManagers();
  }

  private static List<X509Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    List<X509Certificate> certificates = new ArrayList<>();
    try (InputStream in = Files.newInputStream(file)) {
      for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
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
    try (PEMParser parser =
        new PEMParser(new StringReader(Files.readString(file, StandardCharsets.US_ASCII)))) {
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
    } catch (IOException e) {
      if (!Files.isReadable(file)) {
        throw e;
      }
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
