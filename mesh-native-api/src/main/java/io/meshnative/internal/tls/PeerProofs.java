package io.meshnative.internal.tls;

import java.io.ByteArrayInputStream;
import java.security.NoSuchProviderException;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;

/** Certificates of sessions, parsed again by the JDK's own factory. */
final class PeerProofs {
  private PeerProofs() {}

  static X509Certificate leaf(Certificate[] certificates) throws CertificateException {
    if (certificates.length == 0) {
      throw new CertificateException("expected a certificate, found none");
    }
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509", "SUN")
              .generateCertificate(new ByteArrayInputStream(certificates[0].getEncoded()));
    } catch (NoSuchProviderException e) {
      throw new CertificateException("expected the JDK's SUN provider for X.509, found none", e);
    }
  }
}
