package io.meshnative.testkit;

import io.meshnative.testkit.internal.Pem;
import java.io.IOException;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPrivateKey;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.ASN1BitString;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * A certificate that a {@link MeshTestAuthority} issued, with its private key and the certificates
 * that have to be sent with it. Immutable and thread-safe.
 */
public final class IssuedCertificate {
  private final List<X509Certificate> chain;
  private final KeyPair keys;

  IssuedCertificate(X509Certificate leaf, List<X509Certificate> intermediates, KeyPair keys) {
    List<X509Certificate> all = new ArrayList<>();
    all.add(leaf);
    all.addAll(intermediates);
    this.chain = List.copyOf(all);
    this.keys = keys;
  }

  /** The certificate itself. */
  public X509Certificate leaf() {
    return chain.get(0);
  }

  /**
   * The leaf, then the intermediate or cross-signed certificates that belong in the handshake. The
   * root is not in it. Unmodifiable, never empty.
   */
  public List<X509Certificate> chain() {
    return chain;
  }

  /** The private key of {@link #leaf()}. */
  public PrivateKey privateKey() {
    return keys.getPrivate();
  }

  /** {@link #chain()} as PEM, each block ended by a line feed, as in Consul's {@code CertPEM}. */
  public String certPem() {
    StringBuilder pem = new StringBuilder();
    for (X509Certificate certificate : chain) {
      pem.append(Pem.encode(certificate));
    }
    return pem.toString();
  }

  /**
   * The private key as PEM in the form that Consul uses: SEC1 ({@code EC PRIVATE KEY}) for elliptic
   * curves, PKCS#1 ({@code RSA PRIVATE KEY}) for RSA.
   */
  public String keyPem() {
    try {
      PrivateKeyInfo info = PrivateKeyInfo.getInstance(keys.getPrivate().getEncoded());
      if (!(keys.getPrivate() instanceof ECPrivateKey ec)) {
        return Pem.encode(
            "RSA PRIVATE KEY", info.parsePrivateKey().toASN1Primitive().getEncoded("DER"));
      }
      // The JDK leaves the public key out of its own encoding; Go puts it in, so we do.
      ASN1BitString point =
          SubjectPublicKeyInfo.getInstance(keys.getPublic().getEncoded()).getPublicKeyData();
      var sec1 =
          new org.bouncycastle.asn1.sec.ECPrivateKey(
              ec.getParams().getOrder().bitLength(),
              ec.getS(),
              point,
              info.getPrivateKeyAlgorithm().getParameters());
      return Pem.encode("EC PRIVATE KEY", sec1.getEncoded("DER"));
    } catch (IOException e) {
      throw new IllegalStateException("cannot encode the key of " + this, e);
    }
  }

  /** Names the certificate. Never shows the key. */
  @Override
  public String toString() {
    return "IssuedCertificate[serial "
        + leaf().getSerialNumber()
        + ", "
        + keys.getPublic().getAlgorithm()
        + ", until "
        + leaf().getNotAfter().toInstant()
        + ", chain of "
        + chain.size()
        + "]";
  }
}
