package io.meshnative.tests;

import io.meshnative.testkit.MeshTestAuthority;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Provider;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * An authority below a test authority whose key the test holds, for certificates that no test
 * authority would issue: other hashes, other curves, other purposes, authorities that lead nowhere.
 */
final class Mint {
  /** Not registered. */
  private static final Provider BOUNCY = new BouncyCastleProvider();

  private static final AtomicLong SERIALS = new AtomicLong(1_000_000);

  private final KeyPair keys;
  private final X509Certificate certificate;
  private final List<X509Certificate> above;

  private Mint(KeyPair keys, X509Certificate certificate, List<X509Certificate> above) {
    this.keys = keys;
    this.certificate = certificate;
    this.above = above;
  }

  static Mint below(MeshTestAuthority authority) throws Exception {
    KeyPair keys = keys("secp256r1");
    X509Certificate certificate = authority.crossSign(authority.successor(keys));
    return new Mint(keys, certificate, List.of(certificate));
  }

  static KeyPair keys(String curve) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec(curve));
    return generator.generateKeyPair();
  }

  /** Of sizes and curves that the JDK may not make. */
  static KeyPair weakKeys(String algorithm, String size) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm, BOUNCY);
    if (algorithm.equals("RSA")) {
      generator.initialize(Integer.parseInt(size));
    } else {
      generator.initialize(new ECGenParameterSpec(size));
    }
    return generator.generateKeyPair();
  }

  X509Certificate certificate() {
    return certificate;
  }

  KeyPair keys() {
    return keys;
  }

  /** What a leaf is to be; starts as a good one. */
  static final class Leaf {
    private final List<GeneralName> names = new ArrayList<>();
    private int usage = KeyUsage.digitalSignature;
    private KeyPurposeId[] purposes = {
      KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth
    };
    private String signature = "SHA256withECDSA";
    private KeyPair keys;

    Leaf(String uri) {
      if (!uri.isEmpty()) {
        names.add(new GeneralName(GeneralName.uniformResourceIdentifier, uri));
      }
    }

    Leaf name(GeneralName name) {
      names.add(name);
      return this;
    }

    Leaf purposes(KeyPurposeId... values) {
      purposes = values;
      return this;
    }

    Leaf signature(String value) {
      signature = value;
      return this;
    }

    Leaf keys(KeyPair value) {
      keys = value;
      return this;
    }
  }

  RawPeer.Card card(Leaf leaf) throws Exception {
    KeyPair leafKeys = leaf.keys != null ? leaf.keys : keys("secp256r1");
    JcaX509v3CertificateBuilder builder = builder(leafKeys, new X500Name("CN=minted"));
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(leaf.usage));
    if (leaf.purposes.length > 0) {
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(leaf.purposes));
    }
    if (!leaf.names.isEmpty()) {
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(leaf.names.toArray(new GeneralName[0])));
    }
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(sign(builder, leaf.signature));
    chain.addAll(above);
    return new RawPeer.Card(chain, leafKeys.getPrivate());
  }

  /** An authority below this one, certified under a signature algorithm. */
  Mint sub(String signature) throws Exception {
    return sub(keys("secp256r1"), signature);
  }

  /** An authority below this one with keys that no test authority would have. */
  Mint sub(KeyPair subKeys, String signature) throws Exception {
    X509Certificate sub =
        authority(subKeys, new X500Name("CN=sub " + SERIALS.incrementAndGet()), signature);
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(sub);
    chain.addAll(above);
    return new Mint(subKeys, sub, chain);
  }

  /** What this key certifies as an authority, of any name and key; its own as well. */
  X509Certificate authority(KeyPair of, X500Name name, String signature) throws Exception {
    JcaX509v3CertificateBuilder builder = builder(of, name);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
    return sign(builder, signature);
  }

  /** An authority that leads nowhere, as anybody can make one. */
  static Mint nowhere(X500Name name) throws Exception {
    KeyPair keys = keys("secp256r1");
    Mint self = new Mint(keys, null, List.of());
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.valueOf(SERIALS.incrementAndGet()),
            Date.from(Instant.now().minus(Duration.ofHours(1))),
            Date.from(Instant.now().plus(Duration.ofHours(24))),
            name,
            keys.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    X509Certificate root = self.sign(builder, "SHA256withECDSA");
    return new Mint(keys, root, List.of(root));
  }

  /** One that signs with the key of a leaf, as a compromised workload would. */
  static Mint ofLeaf(List<X509Certificate> chain, KeyPair keys) {
    return new Mint(keys, chain.get(0), chain);
  }

  private JcaX509v3CertificateBuilder builder(KeyPair of, X500Name subject) {
    return new JcaX509v3CertificateBuilder(
        X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded()),
        BigInteger.valueOf(SERIALS.incrementAndGet()),
        Date.from(Instant.now().minus(Duration.ofHours(1))),
        Date.from(Instant.now().plus(Duration.ofHours(24))),
        subject,
        of.getPublic());
  }

  private X509Certificate sign(JcaX509v3CertificateBuilder builder, String signature)
      throws Exception {
    byte[] encoded =
        builder
            .build(
                new JcaContentSignerBuilder(signature)
                    .setProvider(BOUNCY) // knows curves that the JDK has forgotten
                    .build(keys.getPrivate()))
            .getEncoded();
    return (X509Certificate)
        CertificateFactory.getInstance("X.509", "SUN")
            .generateCertificate(new ByteArrayInputStream(encoded));
  }
}
