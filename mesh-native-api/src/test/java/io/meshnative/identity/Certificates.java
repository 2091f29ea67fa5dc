package io.meshnative.identity;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Date;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** Certificates and keys made for a test. */
final class Certificates {
  static final Instant NOT_BEFORE = Instant.parse("2026-11-20T00:00:00Z");
  static final Instant NOT_AFTER = Instant.parse("2026-11-23T00:00:00Z");

  private Certificates() {}

  static KeyPair ecKey() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  static KeyPair key(String algorithm) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (algorithm.equals("RSA")) {
        generator.initialize(2048);
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  static GeneralName uri(String uri) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, uri);
  }

  /** Makes a leaf with these subject alternative names, signed by its own key. */
  static X509Certificate leaf(KeyPair key, GeneralName... names) {
    return parsed(encoded(key, false, names));
  }

  /** Makes the same, not parsed yet: some names are refused by the JDK's parser itself. */
  static byte[] encodedLeaf(KeyPair key, GeneralName... names) {
    return encoded(key, false, names);
  }

  static X509Certificate authority(KeyPair key) {
    return parsed(encoded(key, true));
  }

  private static X509Certificate parsed(byte[] encoded) {
    try {
      return Pem.parse(encoded);
    } catch (CertificateException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] encoded(KeyPair key, boolean ca, GeneralName... names) {
    String algorithm =
        switch (key.getPrivate().getAlgorithm()) {
          case "EC" -> "SHA256withECDSA";
          case "RSA" -> "SHA256withRSA";
          default -> "Ed25519";
        };
    try {
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              new X500Name("CN=spiffe://one.consul/in/the/common/name"),
              BigInteger.valueOf(0x1234),
              Date.from(NOT_BEFORE),
              Date.from(NOT_AFTER),
              new X500Name("CN=test"),
              key.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(ca));
      if (names.length > 0) {
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
      }
      return builder
          .build(new JcaContentSignerBuilder(algorithm).build(key.getPrivate()))
          .getEncoded();
    } catch (IOException | OperatorCreationException e) {
      throw new AssertionError(e);
    }
  }

  /** Writes a certificate, a PEM block, or an RSA key as PKCS#1. */
  static String pem(Object object) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** Writes as Go and OpenSSL do, the curve inside; the writer above leaves it out. */
  static String sec1(KeyPair key) {
    ECPrivateKey content =
        new ECPrivateKey(
            256,
            ((java.security.interfaces.ECPrivateKey) key.getPrivate()).getS(),
            SECObjectIdentifiers.secp256r1);
    try {
      return pem(new PemObject("EC PRIVATE KEY", content.getEncoded()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String pkcs8(KeyPair key) {
    try {
      return pem(new JcaPKCS8Generator(key.getPrivate(), null).generate());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
