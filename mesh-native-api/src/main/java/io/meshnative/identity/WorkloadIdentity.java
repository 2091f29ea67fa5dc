package io.meshnative.identity;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The identity that a workload holds: a certificate chain, leaf first, and the private key of the
 * leaf.
 *
 * <p>One immutable pair, so that a handshake can never mix the key of one generation with the chain
 * of another. The constructor proves that they belong together. The key appears in no {@code
 * toString}.
 */
public final class WorkloadIdentity {
  private static final byte[] CHALLENGE =
      "mesh-native key check".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

  private final SpiffeId id;
  private final List<X509Certificate> chain;
  private final PrivateKey privateKey;

  private WorkloadIdentity(SpiffeId id, List<X509Certificate> chain, PrivateKey privateKey) {
    this.id = id;
    this.chain = chain;
    this.privateKey = privateKey;
  }

  /**
   * Makes an identity.
   *
   * @param chain leaf first, then intermediates; no root is needed; copied
   * @param privateKey the key of the leaf; kept, not copied
   * @return the identity
   * @throws CertificateException if the leaf proves no SPIFFE id or the key does not sign for it
   */
  public static WorkloadIdentity of(List<X509Certificate> chain, PrivateKey privateKey)
      throws CertificateException {
    Objects.requireNonNull(privateKey, "privateKey");
    if (chain.isEmpty()) {
      throw new CertificateException(
          "expected a certificate chain, leaf first, found no certificate");
    }
    List<X509Certificate> copy = new ArrayList<>(chain.size());
    for (X509Certificate certificate : chain) {
      copy.add(Pem.reparse(certificate));
    }
    SpiffeId id = SpiffeId.of(copy.get(0));
    requireSigns(id, copy.get(0).getPublicKey(), privateKey);
    return new WorkloadIdentity(id, List.copyOf(copy), privateKey);
  }

  /**
   * Reads an identity from PEM.
   *
   * @param certificates {@code CERTIFICATE} blocks, leaf first
   * @param privateKey a key as SEC1 ({@code EC PRIVATE KEY}), PKCS#1 ({@code RSA PRIVATE KEY}) or
   *     PKCS#8 ({@code PRIVATE KEY})
   * @return the identity
   * @throws CertificateException if either text cannot be read, the leaf proves no SPIFFE id, or
   *     the key does not sign for it; the message never holds key material
   */
  public static WorkloadIdentity ofPem(String certificates, String privateKey)
      throws CertificateException {
    return of(Pem.certificates(certificates), Pem.privateKey(privateKey));
  }

  private static void requireSigns(SpiffeId id, PublicKey publicKey, PrivateKey privateKey)
      throws CertificateException {
    String algorithm =
        switch (publicKey.getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          case "EdDSA", "Ed25519" -> "Ed25519";
          default ->
              throw new CertificateException(
                  "expected an EC, RSA or Ed25519 key for "
                      + id
                      + ", found "
                      + publicKey.getAlgorithm());
        };
    try {
      Signature signer = Signature.getInstance(algorithm);
      signer.initSign(privateKey);
      signer.update(CHALLENGE);
      byte[] signature = signer.sign();
      Signature verifier = Signature.getInstance(algorithm);
      verifier.initVerify(publicKey);
      verifier.update(CHALLENGE);
      if (!verifier.verify(signature)) {
        throw new CertificateException(
            "expected the private key of " + id + ", found the key of another certificate");
      }
    } catch (GeneralSecurityException e) {
      if (e instanceof CertificateException alreadyClear) {
        throw alreadyClear;
      }
      throw new CertificateException(
          "expected the private key of " + id + ", found one that cannot sign for it", e);
    }
  }

  /**
   * Returns the id that the leaf proves.
   *
   * @return the SPIFFE id
   */
  public SpiffeId id() {
    return id;
  }

  /**
   * Returns the certificates to send in a handshake.
   *
   * @return an unmodifiable list, leaf first, never empty
   */
  public List<X509Certificate> chain() {
    return chain;
  }

  /**
   * Returns the leaf.
   *
   * @return the first certificate of the chain
   */
  public X509Certificate leaf() {
    return chain.get(0);
  }

  /**
   * Returns the leaf's private key. It never leaves the process.
   *
   * @return the key
   */
  public PrivateKey privateKey() {
    return privateKey;
  }

  /**
   * Returns when the leaf becomes valid.
   *
   * @return the instant, inclusive
   */
  public Instant notBefore() {
    return leaf().getNotBefore().toInstant();
  }

  /**
   * Returns when the leaf ends.
   *
   * @return the instant, inclusive
   */
  public Instant notAfter() {
    return leaf().getNotAfter().toInstant();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WorkloadIdentity that && chain.equals(that.chain);
  }

  @Override
  public int hashCode() {
    return chain.hashCode();
  }

  /** Returns the id, serial number and end of life; never the key. */
  @Override
  public String toString() {
    return "WorkloadIdentity["
        + id
        + ", serial "
        + leaf().getSerialNumber().toString(16)
        + ", until "
        + notAfter()
        + "]";
  }
}
