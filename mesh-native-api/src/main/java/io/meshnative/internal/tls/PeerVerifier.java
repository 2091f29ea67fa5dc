package io.meshnative.internal.tls;

import io.meshnative.PeerIdentityException;
import io.meshnative.identity.SpiffeId;
import io.meshnative.identity.TrustBundle;
import io.meshnative.spi.InvalidUpdateException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PSSParameterSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Proves a peer's chain: the path is built, not validated in the order sent, so that cross-signed
 * intermediates and old roots work; its anchors are the roots of the peer's own trust domain and no
 * others.
 *
 * <p>The rules of an X.509-SVID (SPIFFE X509-SVID §4, §5) are checked here because nothing else
 * does: an extended trust manager is used bare by every TLS engine. Revocation lists are not
 * consulted; Consul issues none. Nothing here touches the network. Thread-safe.
 */
public final class PeerVerifier {
  private static final int MAX_CERTIFICATES = 10;
  private static final int MAX_ENCODED_BYTES = 64 * 1024;
  private static final int MIN_RSA_BITS = 2048;
  private static final int MIN_EC_BITS = 256;

  private static final int DIGITAL_SIGNATURE = 0;
  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;

  private final ProofStore proofs;

  public PeerVerifier(ProofStore proofs) {
    this.proofs = proofs;
  }

  /**
   * Proves a chain, or takes the proof that the same chain got under the same roots in the same
   * role.
   */
  public PeerProof prove(Certificate[] sent, PeerRole role, TrustEpoch epoch, Instant now)
      throws PeerIdentityException {
    if (sent.length == 0) {
      throw refused("it sent no certificate", null, null);
    }
    if (sent.length > MAX_CERTIFICATES) {
      throw refused(
          "it sent " + sent.length + " certificates, and at most " + MAX_CERTIFICATES + " are read",
          null,
          null);
    }
    byte[][] encoded = new byte[sent.length][];
    int bytes = 0;
    try {
      for (int i = 0; i < sent.length; i++) {
        encoded[i] = sent[i].getEncoded();
        bytes += encoded[i].length;
      }
    } catch (CertificateException e) {
      throw refused("its certificates have no encoding", null, e);
    }
    if (bytes > MAX_ENCODED_BYTES) {
      throw refused("its certificates take " + bytes + " bytes", null, null);
    }
    List<X509Certificate> chain = parse(encoded);
    SpiffeId id;
    try {
      id = SpiffeId.of(chain.get(0));
    } catch (CertificateException e) {
      throw refused(String.valueOf(e.getMessage()), null, e);
    }
    TrustBundle bundle = epoch.bundle(id.trustDomain());
    if (bundle == null) {
      throw refused("no roots are held for its trust domain " + id.trustDomain(), id, null);
    }
    ProofStore.Key key = ProofStore.Key.of(encoded, role, epoch.rootSet(id.trustDomain()));
    PeerProof known = proofs.find(key);
    if (known != null && known.coversTime(now)) {
      return known; // failures are never kept, so a hit is a success; its time was just checked
      // again
    }
    PeerProof proof = build(chain, id, bundle, role, now);
    proofs.keep(key, proof);
    return proof;
  }

  /** Checks that the own leaf chains to a held root, as a client and as a server. */
  void proveOwn(TrustEpoch epoch, Instant now) throws InvalidUpdateException {
    Certificate[] chain = epoch.identity().chain().toArray(new Certificate[0]);
    try {
      prove(chain, PeerRole.CLIENT, epoch, now);
      prove(chain, PeerRole.SERVER, epoch, now);
    } catch (PeerIdentityException e) {
      throw new InvalidUpdateException(
          "expected an own identity that its peers will accept, found "
              + epoch.identity()
              + ": "
              + e.getMessage(),
          e);
    }
  }

  /**
   * The engine's certificates may be of any provider's class, and some hide a malformed second
   * name. Only the JDK's own parse of the bytes on the wire is looked at.
   */
  private static List<X509Certificate> parse(byte[][] encoded) throws PeerIdentityException {
    List<X509Certificate> chain = new ArrayList<>(encoded.length);
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509", "SUN");
      for (byte[] der : encoded) {
        chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
      }
      return chain;
    } catch (GeneralSecurityException e) {
      throw refused("its certificate cannot be parsed: " + e.getMessage(), null, e);
    }
  }

  private static PeerProof build(
      List<X509Certificate> chain, SpiffeId id, TrustBundle bundle, PeerRole role, Instant now)
      throws PeerIdentityException {
    X509Certificate leaf = chain.get(0);
    checkLeaf(leaf, id, role);
    PKIXCertPathBuilderResult result;
    try {
      Set<TrustAnchor> anchors = new HashSet<>();
      for (X509Certificate root : bundle.roots()) {
        if (!now.isAfter(root.getNotAfter().toInstant())) {
          anchors.add(new TrustAnchor(root, null));
        }
      }
      if (anchors.isEmpty()) {
        throw refused("every root held for " + id.trustDomain() + " has expired", id, null);
      }
      X509CertSelector target = new X509CertSelector();
      target.setCertificate(leaf);
      PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, target);
      parameters.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(chain), "SUN"));
      parameters.setRevocationEnabled(false);
      parameters.setMaxPathLength(MAX_CERTIFICATES);
      parameters.setDate(Date.from(now));
      result =
          (PKIXCertPathBuilderResult) CertPathBuilder.getInstance("PKIX", "SUN").build(parameters);
    } catch (CertPathBuilderException e) {
      throw refused(
          "its chain does not lead to a root held for "
              + id.trustDomain()
              + " at "
              + now
              + " ("
              + rootCause(e)
              + "; leaf valid "
              + leaf.getNotBefore().toInstant()
              + " to "
              + leaf.getNotAfter().toInstant()
              + ")",
          id,
          e);
    } catch (GeneralSecurityException e) {
      throw refused("its chain cannot be verified: " + e.getMessage(), id, e);
    }
    X509Certificate anchor = result.getTrustAnchor().getTrustedCert();
    Instant notBefore = Instant.MIN;
    Instant notAfter = anchor.getNotAfter().toInstant();
    for (Certificate certificate : result.getCertPath().getCertificates()) {
      X509Certificate x509 = (X509Certificate) certificate;
      checkKey(x509.getPublicKey(), id);
      checkSignature(x509, id);
      notBefore = max(notBefore, x509.getNotBefore().toInstant());
      notAfter = min(notAfter, x509.getNotAfter().toInstant());
    }
    checkKey(anchor.getPublicKey(), id);
    return new PeerProof(role, id, chain, anchor, notBefore, notAfter);
  }

  private static void checkLeaf(X509Certificate leaf, SpiffeId id, PeerRole role)
      throws PeerIdentityException {
    if (id.path().isEmpty()) {
      throw refused("its id names a trust domain, not a workload", id, null);
    }
    if (leaf.getBasicConstraints() >= 0) {
      throw refused("its leaf is a CA certificate", id, null);
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null || !usage[DIGITAL_SIGNATURE]) {
      throw refused("its leaf lacks the key usage digitalSignature", id, null);
    }
    if (usage[KEY_CERT_SIGN] || usage[CRL_SIGN]) {
      throw refused("its leaf may sign certificates or revocation lists", id, null);
    }
    List<String> purposes;
    try {
      purposes = leaf.getExtendedKeyUsage();
    } catch (CertificateException e) {
      throw refused("its leaf has an unreadable extended key usage", id, e);
    }
    if (purposes != null && !purposes.contains(role.keyPurpose())) {
      throw refused(
          "its leaf is not for a "
              + role.name().toLowerCase(java.util.Locale.ROOT)
              + " (extended key usage "
              + purposes
              + ")",
          id,
          null);
    }
  }

  private static void checkKey(PublicKey key, SpiffeId id) throws PeerIdentityException {
    if (key instanceof RSAPublicKey rsa) {
      if (rsa.getModulus().bitLength() < MIN_RSA_BITS) {
        throw refused(
            "its chain holds an RSA key of " + rsa.getModulus().bitLength() + " bits", id, null);
      }
    } else if (key instanceof ECPublicKey ec) {
      int bits = ec.getParams().getCurve().getField().getFieldSize();
      if (bits < MIN_EC_BITS) {
        throw refused("its chain holds an EC key of " + bits + " bits", id, null);
      }
    } else if (!(key instanceof EdECPublicKey)) {
      throw refused(
          "its chain holds a key of the kind "
              + key.getAlgorithm()
              + ", and RSA, EC and EdDSA are known",
          id,
          null);
    }
  }

  /** The JDK's path rules refuse SHA-1 only under the roots it ships, and ours are others. */
  private static void checkSignature(X509Certificate certificate, SpiffeId id)
      throws PeerIdentityException {
    String name = certificate.getSigAlgName();
    String hash = name;
    if (name.equals("RSASSA-PSS")) {
      try {
        AlgorithmParameters parameters = AlgorithmParameters.getInstance("RSASSA-PSS");
        parameters.init(certificate.getSigAlgParams());
        hash =
            parameters
                .getParameterSpec(PSSParameterSpec.class)
                .getDigestAlgorithm()
                .replace("SHA-", "SHA");
      } catch (GeneralSecurityException | IOException | RuntimeException e) {
        throw refused("its chain holds a signature whose parameters cannot be read", id, e);
      }
    }
    boolean strong =
        name.startsWith("Ed")
            || hash.startsWith("SHA256")
            || hash.startsWith("SHA384")
            || hash.startsWith("SHA512")
            || hash.startsWith("SHA3-");
    if (!strong) {
      throw refused(
          "its chain holds a signature by " + name + " (" + hash + "), and SHA-256 is the least",
          id,
          null);
    }
  }

  private static PeerIdentityException refused(
      String found,
      @org.jspecify.annotations.Nullable SpiffeId actual,
      @org.jspecify.annotations.Nullable Throwable cause) {
    return new PeerIdentityException(
        "expected a peer that proves a SPIFFE id under the roots held, found "
            + (actual == null ? "one that does not" : actual)
            + ": "
            + found,
        "a SPIFFE id under the roots held",
        actual == null ? null : actual.toString(),
        cause);
  }

  private static String rootCause(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    return String.valueOf(cause.getMessage());
  }

  private static Instant min(Instant a, Instant b) {
    return a.isBefore(b) ? a : b;
  }

  private static Instant max(Instant a, Instant b) {
    return a.isAfter(b) ? a : b;
  }
}
