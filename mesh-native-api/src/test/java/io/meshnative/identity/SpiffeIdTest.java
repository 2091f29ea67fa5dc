package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import org.bouncycastle.asn1.x509.GeneralName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpiffeIdTest {
  private static final String WEB = "spiffe://one.consul/ns/default/dc/dc1/svc/web";
  private static final KeyPair KEY = Certificates.ecKey();

  private static void assertRefused(String uri) {
    assertThatThrownBy(() -> SpiffeId.parse(uri))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("expected a SPIFFE id");
  }

  @Test
  void anIdHasATrustDomainAndAPath() {
    SpiffeId id = SpiffeId.parse(WEB);

    assertThat(id.trustDomain()).isEqualTo(TrustDomain.of("one.consul"));
    assertThat(id.path()).isEqualTo("/ns/default/dc/dc1/svc/web");
    assertThat(id).hasToString(WEB);
  }

  @Test
  void theIdOfATrustDomainItselfHasNoPath() {
    assertThat(SpiffeId.parse("spiffe://one.consul").path()).isEmpty();
    assertThat(SpiffeId.parse("spiffe://one.consul").consulId()).isEmpty();
  }

  @Test
  void idsThatConsulDoesNotFormAreIdsNonetheless() {
    assertThat(SpiffeId.parse("spiffe://one.consul/workload/web").consulId()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "spiffe://",
        "spiffe:///ns/default",
        "SPIFFE://one.consul/a",
        "https://one.consul/a",
        "spiffe:/one.consul/a",
        "spiffe://One.consul/a",
        "spiffe://one.consul:8443/a",
        "spiffe://user@one.consul/a",
        "spiffe://one%2econsul/a",
        "spiffe://one.consul/",
        "spiffe://one.consul/a/",
        "spiffe://one.consul//a",
        "spiffe://one.consul/a//b",
        "spiffe://one.consul/./a",
        "spiffe://one.consul/../a",
        "spiffe://one.consul/a/..",
        "spiffe://one.consul/a?b",
        "spiffe://one.consul?b",
        "spiffe://one.consul/a#b",
        "spiffe://one.consul#b",
        "spiffe://one.consul/%2e%2e/a",
        "spiffe://one.consul/a%2fb",
        "spiffe://one.consul/a b",
        "spiffe://one.consul/a;b",
        "spiffe://one.consul/a\\b"
      })
  void T04_spellingsWithASecondReadingAreRefused(String uri) {
    assertRefused(uri);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://one.consul/ns/default/dc/dc1/svc/%77eb",
        "spiffe://one.consul/ns/default/dc/dc1/svc/a%2fb",
        "spiffe://one.consul/ns/default/dc/dc1/svc/a%2Fb",
        "spiffe://one.consul/ns/default/dc/dc1/svc/a%5Cb",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%2E%2E",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%00",
        "spiffe://one.consul/ns/default/dc/dc1/svc/a%20",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%C0%AF",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%2",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%zz",
        "spiffe://one.consul/ns/default/dc/dc1/svc/%c3%a9"
      })
  void T04_encodingsAreAcceptedInConsulsOneSpellingOnly(String uri) {
    if (uri.endsWith("a%20")) {
      assertThat(SpiffeId.parse(uri).consulId()).isPresent();
    } else {
      assertRefused(uri);
    }
  }

  @Test
  void T04_longIdsAreRefusedAt2049Bytes() {
    String base = "spiffe://one.consul/";

    assertThat(SpiffeId.parse(base + "a".repeat(2048 - base.length())).path()).isNotEmpty();
    assertRefused(base + "a".repeat(2049 - base.length()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "spiffe://one.consul/ns/default/dc/dc1/svc/web\u0000.evil",
        "spiffe://one.consul\u0000/a",
        "spiffe://one.consul/a\n",
        "spiffe://one.consul/a\u007f",
        "spiffe://one.consul/\u0430",
        "spiffe://on\u0435.consul/a",
        "\u0000spiffe://one.consul/a"
      })
  void T03_controlAndNonAsciiCharactersAreRefused(String uri) {
    assertRefused(uri);
  }

  @Test
  void T03_aRefusalShowsNoControlCharacter() {
    assertThatThrownBy(() -> SpiffeId.parse("spiffe://one.consul/a\n\u001b[2J"))
        .message()
        .doesNotContain("\n", "\u001b");
  }

  @Test
  void T05_idsOfDifferentTrustDomainsDiffer() {
    assertThat(SpiffeId.parse(WEB))
        .isNotEqualTo(SpiffeId.parse(WEB.replace("one.consul", "two.consul")));
  }

  @Test
  void aCertificateProvesItsUriName() throws CertificateException {
    X509Certificate leaf = Certificates.leaf(KEY, Certificates.uri(WEB));

    assertThat(SpiffeId.of(leaf))
        .isEqualTo(SpiffeId.parse(WEB))
        .hasSameHashCodeAs(SpiffeId.parse(WEB));
  }

  @Test
  void T01_aCertificateWithTwoUriNamesIsRefused() {
    X509Certificate leaf =
        Certificates.leaf(KEY, Certificates.uri(WEB), Certificates.uri(WEB + "2"));

    assertThatThrownBy(() -> SpiffeId.of(leaf))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("exactly one URI subject alternative name");
  }

  @Test
  void T01_theSameUriNameTwiceIsRefusedToo() {
    X509Certificate leaf = Certificates.leaf(KEY, Certificates.uri(WEB), Certificates.uri(WEB));

    assertThatThrownBy(() -> SpiffeId.of(leaf)).isInstanceOf(CertificateException.class);
  }

  @Test
  void T02_namesOfOtherKindsAreNotRead() throws CertificateException {
    X509Certificate leaf =
        Certificates.leaf(
            KEY,
            new GeneralName(GeneralName.dNSName, "api.example"),
            new GeneralName(GeneralName.rfc822Name, "a@b.example"),
            Certificates.uri(WEB));

    assertThat(SpiffeId.of(leaf)).isEqualTo(SpiffeId.parse(WEB));
  }

  @Test
  void T02_aNameOfAnotherKindOrInTheSubjectProvesNothing() {
    X509Certificate leaf =
        Certificates.leaf(KEY, new GeneralName(GeneralName.rfc822Name, "web@one.consul"));

    assertThatThrownBy(() -> SpiffeId.of(leaf))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("found none");
  }

  @Test
  void T02_aCertificateWithoutNamesProvesNothing() {
    assertThatThrownBy(() -> SpiffeId.of(Certificates.leaf(KEY)))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  void T03_aCertificateWhoseUriNameHoldsANulIsRefused() {
    byte[] leaf = Certificates.encodedLeaf(KEY, Certificates.uri(WEB + "\u0000.evil"));

    assertThatThrownBy(() -> SpiffeId.of(Pem.parse(leaf))).isInstanceOf(CertificateException.class);
  }
}
