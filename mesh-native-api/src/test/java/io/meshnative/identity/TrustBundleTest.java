package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import org.junit.jupiter.api.Test;

class TrustBundleTest {
  private static final TrustDomain DOMAIN = TrustDomain.of("one.consul");
  private static final KeyPair KEY = Certificates.ecKey();
  private static final X509Certificate ONE = Certificates.authority(KEY);
  private static final X509Certificate TWO = Certificates.authority(Certificates.ecKey());

  @Test
  void rootsAreReadFromPemWithOneOrMoreBlocks() throws CertificateException {
    TrustBundle bundle =
        TrustBundle.ofPem(
            DOMAIN,
            List.of(Certificates.pem(ONE) + "\n" + Certificates.pem(TWO), Certificates.pem(ONE)));

    assertThat(bundle.roots()).containsExactly(ONE, TWO);
    assertThat(bundle.trustDomain()).isEqualTo(DOMAIN);
  }

  @Test
  void bundlesOfTheSameRootsAreEqualInAnyOrder() throws CertificateException {
    assertThat(TrustBundle.of(DOMAIN, List.of(ONE, TWO)))
        .isEqualTo(TrustBundle.of(DOMAIN, List.of(TWO, ONE)))
        .hasSameHashCodeAs(TrustBundle.of(DOMAIN, List.of(TWO, ONE)));
  }

  @Test
  void T05_bundlesOfDifferentTrustDomainsDiffer() throws CertificateException {
    assertThat(TrustBundle.of(DOMAIN, List.of(ONE)))
        .isNotEqualTo(TrustBundle.of(TrustDomain.of("two.consul"), List.of(ONE)));
  }

  @Test
  void aBundleWithoutRootsIsRefused() {
    assertThatThrownBy(() -> TrustBundle.of(DOMAIN, List.of()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("found none");
  }

  @Test
  void T06_aLeafIsNoRoot() {
    X509Certificate leaf =
        Certificates.leaf(KEY, Certificates.uri("spiffe://one.consul/ns/default/dc/dc1/svc/web"));

    assertThatThrownBy(() -> TrustBundle.of(DOMAIN, List.of(leaf)))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("found one that is none");
  }

  @Test
  void theRootsCannotBeChanged() throws CertificateException {
    TrustBundle bundle = TrustBundle.of(DOMAIN, List.of(ONE));

    assertThatThrownBy(() -> bundle.roots().clear())
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
