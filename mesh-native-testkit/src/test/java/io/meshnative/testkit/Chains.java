package io.meshnative.testkit;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Set;

/** Certificate paths, built by the JDK. */
final class Chains {
  private Chains() {}

  static List<X509Certificate> parse(String pem) {
    try {
      return CertificateFactory.getInstance("X.509")
          .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))
          .stream()
          .map(X509Certificate.class::cast)
          .toList();
    } catch (GeneralSecurityException e) {
      throw new AssertionError("not certificates: " + pem, e);
    }
  }

  /** Whether a path leads from the first of the chain to the root. */
  static boolean leadsTo(X509Certificate root, Collection<X509Certificate> chain) {
    try {
      X509CertSelector target = new X509CertSelector();
      target.setCertificate(chain.iterator().next());
      var parameters = new PKIXBuilderParameters(Set.of(new TrustAnchor(root, null)), target);
      parameters.addCertStore(
          CertStore.getInstance("Collection", new CollectionCertStoreParameters(chain)));
      parameters.setRevocationEnabled(false);
      // A root of this second is not valid before it: Consul does not backdate roots either.
      parameters.setDate(Date.from(Instant.now().plusSeconds(1)));
      CertPathBuilder.getInstance("PKIX").build(parameters);
      return true;
    } catch (java.security.cert.CertPathBuilderException e) {
      return false;
    } catch (GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }
}
