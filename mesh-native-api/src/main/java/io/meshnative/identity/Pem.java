package io.meshnative.identity;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.NoSuchProviderException;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.util.io.pem.PemObject;
import org.bouncycastle.util.io.pem.PemReader;

/**
 * PEM to certificates and keys. Consul sends SEC1 keys (reference: Consul agent, {@code ca/leaf}).
 */
final class Pem {
  private Pem() {}

  static List<X509Certificate> certificates(String pem) throws CertificateException {
    List<X509Certificate> certificates = new ArrayList<>();
    try (PemReader reader = new PemReader(new StringReader(pem))) {
      for (PemObject block = reader.readPemObject();
          block != null;
          block = reader.readPemObject()) {
        if (!block.getType().equals("CERTIFICATE")) {
          throw new CertificateException(
              "expected PEM blocks of type CERTIFICATE, found one of type "
                  + Text.quote(block.getType()));
        }
        if (!block.getHeaders().isEmpty()) {
          // The reader takes every line with a colon for one, also in the midst of the text.
          throw new CertificateException(
              "expected a CERTIFICATE block of base64 alone (RFC 7468), found headers in it");
        }
        certificates.add(parse(block.getContent()));
      }
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      throw new CertificateException(
          "expected certificates as PEM, found text that cannot be decoded", e);
    }
    if (certificates.isEmpty()) {
      throw new CertificateException("expected certificates as PEM, found no CERTIFICATE block");
    }
    return certificates;
  }

  /** Messages name no part of the text: it is a secret. */
  static PrivateKey privateKey(String pem) throws CertificateException {
    PrivateKeyInfo info;
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      Object object = parser.readObject();
      // OpenSSL writes the curve as a block of its own before the key.
      if (object instanceof ASN1ObjectIdentifier) {
        object = parser.readObject();
      }
      if (object instanceof PEMKeyPair pair) {
        info = pair.getPrivateKeyInfo();
      } else if (object instanceof PrivateKeyInfo pkcs8) {
        info = pkcs8;
      } else {
        throw new CertificateException(
            "expected a private key as PEM (EC PRIVATE KEY, RSA PRIVATE KEY or PRIVATE KEY), found "
                + (object == null ? "none" : "something else"));
      }
    } catch (IOException | RuntimeException e) {
      throw new CertificateException(
          "expected a private key as PEM, found text that cannot be decoded");
    }
    ASN1ObjectIdentifier algorithm = info.getPrivateKeyAlgorithm().getAlgorithm();
    String name;
    if (algorithm.equals(X9ObjectIdentifiers.id_ecPublicKey)) {
      name = "EC";
    } else if (algorithm.equals(PKCSObjectIdentifiers.rsaEncryption)) {
      name = "RSA";
    } else {
      name = "Ed25519";
    }
    byte[] encoded = new byte[0];
    try {
      encoded = info.getEncoded();
      return KeyFactory.getInstance(name).generatePrivate(new PKCS8EncodedKeySpec(encoded));
    } catch (IOException | GeneralSecurityException e) {
      throw new CertificateException(
          "expected an EC, RSA or Ed25519 private key, found one of algorithm "
              + algorithm
              + " that cannot be read");
    } finally {
      Arrays.fill(encoded, (byte) 0);
    }
  }

  static X509Certificate parse(byte[] der) throws CertificateException {
    try {
      // The JDK's own factory, whatever provider the application put first: others were seen to
      // hide a
      // malformed second URI name, which would fool the rule of exactly one.
      CertificateFactory factory = CertificateFactory.getInstance("X.509", "SUN");
      return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
    } catch (NoSuchProviderException e) {
      throw new CertificateException("expected the JDK's SUN provider for X.509, found none", e);
    }
  }

  static X509Certificate reparse(X509Certificate certificate) throws CertificateException {
    return certificate.getClass().getName().startsWith("sun.security.x509.")
        ? certificate
        : parse(certificate.getEncoded());
  }
}
