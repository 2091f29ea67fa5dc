package io.meshnative.testkit;

import io.meshnative.testkit.internal.ColonHex;
import io.meshnative.testkit.internal.Pem;
import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A small certificate authority that issues what Consul's built-in one issues, and on request what
 * it never would.
 *
 * <pre>{@code
 * MeshTestAuthority old = MeshTestAuthority.create();
 * IssuedCertificate web = old.issue(LeafSpec.service("web"));
 *
 * MeshTestAuthority renewed = old.successor(KeyType.EC_P256);          // same trust domain, new key
 * X509Certificate bridge = old.crossSign(renewed);                     // new key, signed by the old
 * IssuedCertificate api = renewed.sending(bridge).issue(LeafSpec.service("api"));
 * }</pre>
 *
 * <p>BouncyCastle builds the certificates; the JDK's own providers make the keys and signatures,
 * and none is registered. Immutable and thread-safe. No method blocks, but RSA keys take some 100
 * ms.
 */
public final class MeshTestAuthority {
  /** How long Consul's cross-signed certificates live. */
  static final Duration CROSS_SIGNED_LIFE = Duration.ofDays(7);

  private static final Duration ROOT_LIFE = Duration.ofDays(3652);
  private static final Duration BACKDATE = Duration.ofMinutes(1);

  private final String trustDomain;
  private final Clock clock;
  private final AtomicLong serials;
  private final KeyPair keys;
  private final X509Certificate certificate;
  private final X509Certificate root;
  private final List<X509Certificate> sent;

  private MeshTestAuthority(
      String trustDomain,
      Clock clock,
      AtomicLong serials,
      KeyPair keys,
      X509Certificate certificate,
      X509Certificate root,
      List<X509Certificate> sent) {
    this.trustDomain = trustDomain;
    this.clock = clock;
    this.serials = serials;
    this.keys = keys;
    this.certificate = certificate;
    this.root = root;
    this.sent = List.copyOf(sent);
  }

  /** A new root with a P-256 key, for a new random trust domain, on the system clock. */
  public static MeshTestAuthority create() {
    return create(UUID.randomUUID() + ".consul", KeyType.EC_P256, Clock.systemUTC());
  }

  /**
   * A new root.
   *
   * @param trustDomain goes into the root's URI name and into every leaf's, as it is
   * @param keyType the type of the root's key
   * @param clock what "now" is in every certificate
   */
  public static MeshTestAuthority create(String trustDomain, KeyType keyType, Clock clock) {
    return root(trustDomain, keyType.generate(), clock, new AtomicLong(6));
  }

  private static MeshTestAuthority root(
      String trustDomain, KeyPair keys, Clock clock, AtomicLong serials) {
    Instant now = clock.instant();
    X500Name subject = rootName(trustDomain);
    // Consul does not backdate its roots, though it does its leaves; a client must live with it.
    X509Certificate self =
        sign(
            authorityBuilder(
                trustDomain,
                subject,
                keys.getPublic(),
                subject,
                keys.getPublic(),
                serials.incrementAndGet(),
                now,
                now.plus(ROOT_LIFE)),
            keys);
    return new MeshTestAuthority(trustDomain, clock, serials, keys, self, self, List.of());
  }

  /** The trust domain, for example {@code 11111111-2222-3333-4444-555555555555.consul}. */
  public String trustDomain() {
    return trustDomain;
  }

  /** The trust anchor: this authority's own certificate, unless it is an {@link #intermediate}. */
  public X509Certificate root() {
    return root;
  }

  /** The certificate whose key signs. The same as {@link #root()} unless this is intermediate. */
  public X509Certificate certificate() {
    return certificate;
  }

  /** The root as PEM. */
  public String rootPem() {
    return Pem.encode(root);
  }

  /** A new root of the same trust domain, as after a rotation. */
  public MeshTestAuthority successor(KeyType keyType) {
    return successor(keyType.generate());
  }

  /** As {@link #successor(KeyType)}, with a key made elsewhere. */
  public MeshTestAuthority successor(KeyPair newKeys) {
    return root(trustDomain, newKeys, clock, serials);
  }

  /** An authority below this one: its leaves are sent with its certificate. */
  public MeshTestAuthority intermediate(KeyType keyType) {
    KeyPair newKeys = keyType.generate();
    X509Certificate issued = certify(newKeys.getPublic(), rootName(trustDomain), ROOT_LIFE);
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(issued);
    chain.addAll(sent);
    return new MeshTestAuthority(trustDomain, clock, serials, newKeys, issued, root, chain);
  }

  /**
   * Certifies another authority's name and key, so that its leaves lead here too. Valid for seven
   * days, as in Consul.
   */
  public X509Certificate crossSign(MeshTestAuthority other) {
    return crossSign(other, CROSS_SIGNED_LIFE);
  }

  /** As {@link #crossSign(MeshTestAuthority)}, for as long as given. */
  public X509Certificate crossSign(MeshTestAuthority other, Duration life) {
    return certify(other.keys.getPublic(), name(other.certificate), life);
  }

  private X509Certificate certify(PublicKey key, X500Name subject, Duration life) {
    Instant from = clock.instant().minus(BACKDATE);
    return sign(
        authorityBuilder(
            trustDomain,
            name(certificate),
            keys.getPublic(),
            subject,
            key,
            serials.incrementAndGet(),
            from,
            from.plus(life)),
        keys);
  }

  /** The same authority, whose leaves are sent with these certificates after them. */
  public MeshTestAuthority sending(X509Certificate... intermediates) {
    return new MeshTestAuthority(
        trustDomain, clock, serials, keys, certificate, root, List.of(intermediates));
  }

  /**
   * Issues a leaf with a fresh key.
   *
   * @throws IllegalArgumentException if the JDK cannot parse the certificate that came out, which
   *     happens for malformed names in a critical extension
   */
  public IssuedCertificate issue(LeafSpec spec) {
    return issue(spec, spec.keyType.generate());
  }

  private IssuedCertificate issue(LeafSpec spec, KeyPair leafKeys) {
    Instant now = clock.instant();
    Instant from = spec.notBefore != null ? spec.notBefore : now.minus(BACKDATE);
    Instant until = spec.notAfter;
    if (until == null) {
      // A minute less is nothing to three days and everything to five seconds.
      until = (spec.life.compareTo(Duration.ofHours(1)) < 0 ? now : from).plus(spec.life);
    }
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name(certificate),
            BigInteger.valueOf(serials.incrementAndGet()),
            Date.from(from),
            Date.from(until),
            subject(spec),
            leafKeys.getPublic());
    try {
      if (spec.keyUsage != 0) {
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(spec.keyUsage));
      }
      if (!spec.usages.isEmpty()) {
        KeyPurposeId[] ids =
            spec.usages.stream().map(usage -> usage.id).toArray(KeyPurposeId[]::new);
        builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(ids));
      }
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(spec.ca));
      addKeyIds(builder, leafKeys.getPublic(), keys.getPublic());
      List<GeneralName> names = new ArrayList<>();
      if (spec.service != null) {
        String uri = serviceUri(spec.service, spec.datacenter);
        names.add(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
      }
      names.addAll(spec.names);
      if (!names.isEmpty()) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            spec.emptySubject,
            new GeneralNames(names.toArray(new GeneralName[0])));
      }
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot encode the leaf's extensions", e);
    }
    return new IssuedCertificate(sign(builder, keys), sent, leafKeys);
  }

  /** The SPIFFE id of a service in this trust domain. */
  public String serviceUri(String service, String datacenter) {
    return "spiffe://" + trustDomain + "/ns/default/dc/" + datacenter + "/svc/" + service;
  }

  /** The root's id in Consul's API: colon-separated hex of the SHA-1 of its encoding. */
  public String rootId() {
    try {
      return ColonHex.of(MessageDigest.getInstance("SHA-1").digest(root.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot fingerprint the root of " + this, e);
    }
  }

  /**
   * Colon-separated hex of the key id of {@link #certificate()}: {@code SigningKeyID} in Consul's
   * API, and the authority key id of every leaf.
   */
  public String signingKeyId() {
    return ColonHex.of(keyId(keys.getPublic()));
  }

  /** {@code ec} or {@code rsa}: {@code PrivateKeyType} in Consul's API. */
  public String keyKind() {
    return keys.getPublic().getAlgorithm().toLowerCase(Locale.ROOT);
  }

  /** The size of the signing key in bits: {@code PrivateKeyBits} in Consul's API. */
  public int keyBits() {
    if (keys.getPublic() instanceof RSAPublicKey rsa) {
      return rsa.getModulus().bitLength();
    }
    return ((ECPublicKey) keys.getPublic()).getParams().getOrder().bitLength();
  }

  /** Whether this authority signs with the private half of a public key. */
  public boolean signsWith(PublicKey key) {
    return keys.getPublic().equals(key);
  }

  private X500Name subject(LeafSpec spec) {
    if (spec.emptySubject) {
      return new X500NameBuilder().build();
    }
    String commonName = spec.commonName;
    if (commonName == null) {
      String label = spec.service == null ? "nameless" : spec.service;
      commonName = alphanumeric(label) + ".svc.default." + shortId(trustDomain) + ".consul";
    }
    return new X500NameBuilder().addRDN(BCStyle.CN, commonName).build();
  }

  private static X500Name rootName(String trustDomain) {
    String random = UUID.randomUUID().toString().substring(0, 8);
    return new X500NameBuilder()
        .addRDN(BCStyle.CN, "pri-" + random + ".consul.ca." + shortId(trustDomain) + ".consul")
        .build();
  }

  private static String shortId(String trustDomain) {
    String id = alphanumeric(trustDomain);
    return id.substring(0, Math.min(8, id.length()));
  }

  private static String alphanumeric(String text) {
    return text.replaceAll("[^A-Za-z0-9]", "");
  }

  private static X500Name name(X509Certificate certificate) {
    return X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
  }

  private static X509v3CertificateBuilder authorityBuilder(
      String trustDomain,
      X500Name issuer,
      PublicKey issuerKey,
      X500Name subject,
      PublicKey subjectKey,
      long serial,
      Instant from,
      Instant until) {
    X509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            issuer,
            BigInteger.valueOf(serial),
            Date.from(from),
            Date.from(until),
            subject,
            subjectKey);
    try {
      int usage = KeyUsage.digitalSignature | KeyUsage.keyCertSign | KeyUsage.cRLSign;
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
      addKeyIds(builder, subjectKey, issuerKey);
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(
              new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://" + trustDomain)));
      return builder;
    } catch (IOException e) {
      throw new IllegalArgumentException("cannot encode the authority's extensions", e);
    }
  }

  private static void addKeyIds(
      X509v3CertificateBuilder builder, PublicKey subjectKey, PublicKey issuerKey)
      throws IOException {
    builder.addExtension(
        Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyId(subjectKey)));
    builder.addExtension(
        Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(keyId(issuerKey)));
  }

  /** Consul 1.8 to 1.10 use 32 bytes here, where RFC 5280 suggests 20. */
  private static byte[] keyId(PublicKey key) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(key.getEncoded());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static X509Certificate sign(X509v3CertificateBuilder builder, KeyPair signer) {
    String hash = "SHA256with";
    String algorithm = signer.getPublic() instanceof RSAPublicKey ? hash + "RSA" : hash + "ECDSA";
    try {
      // No provider is named, so BouncyCastle's builders ask the JDK for all of the cryptography.
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(new JcaContentSignerBuilder(algorithm).build(signer.getPrivate())));
    } catch (OperatorCreationException e) {
      throw new IllegalStateException("this JDK cannot sign with " + algorithm, e);
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          "the JDK cannot parse the certificate that came out: " + e.getMessage(), e);
    }
  }

  /** Names the trust domain and the kind of key. Never shows the key. */
  @Override
  public String toString() {
    return "MeshTestAuthority[" + trustDomain + ", " + keyKind() + " " + keyBits() + "]";
  }
}
