package io.meshnative.internal.transport;

import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.spi.TrustUpdate;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** One root and leaves of services, for tests that may not know the test kit. */
final class SmallAuthority {
  private static final X500Name ROOT = new X500Name("CN=root");
  static final TrustDomain DOMAIN = TrustDomain.of("small.consul");

  private final KeyPair keys = keys();
  private final X509Certificate root = sign(ROOT, keys, true, null, Duration.ofDays(365));

  TrustUpdate trust() throws Exception {
    return new TrustUpdate(DOMAIN, List.of(TrustBundle.of(DOMAIN, List.of(root))));
  }

  WorkloadIdentity identity(String service) throws Exception {
    return identity(service, Duration.ofHours(1));
  }

  WorkloadIdentity identity(String service, Duration life) throws Exception {
    KeyPair leafKeys = keys();
    String id = "spiffe://" + DOMAIN + "/ns/default/dc/dc1/svc/" + service;
    return WorkloadIdentity.of(
        List.of(sign(new X500Name("CN=" + service), leafKeys, false, id, life)),
        leafKeys.getPrivate());
  }

  private static KeyPair keys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private X509Certificate sign(X500Name subject, KeyPair of, boolean ca, String id, Duration life) {
    try {
      Instant now = Instant.now();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              ROOT,
              BigInteger.valueOf(System.nanoTime()),
              Date.from(now.minusSeconds(60)),
              Date.from(now.plus(life)),
              subject,
              of.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(ca));
      builder.addExtension(
          Extension.keyUsage,
          true,
          new KeyUsage(ca ? KeyUsage.keyCertSign : KeyUsage.digitalSignature));
      if (id != null) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, id)));
      }
      byte[] der =
          builder
              .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
              .getEncoded();
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(der));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
