package io.meshnative.testkit;

import static io.meshnative.testkit.LeafSpec.ExtendedUsage.CLIENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.Provider;
import java.security.Security;
import java.security.Signature;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MeshTestAuthorityTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();

  @Test
  void aLeafIsAsConsulsAre() throws Exception {
    X509Certificate leaf = authority.issue(LeafSpec.service("web")).leaf();

    assertThat(leaf.getSubjectAlternativeNames())
        .containsExactly(
            List.of(6, "spiffe://" + authority.trustDomain() + "/ns/default/dc/dc1/svc/web"));
    assertThat(leaf.getExtendedKeyUsage())
        .containsExactly("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1");
    assertThat(leaf.getKeyUsage())
        .containsExactly(true, false, true, true, true, false, false, false, false);
    assertThat(leaf.getBasicConstraints()).isEqualTo(-1);
    assertThat(leaf.getCriticalExtensionOIDs()).containsExactlyInAnyOrder("2.5.29.15", "2.5.29.19");
    assertThat(leaf.getPublicKey().getAlgorithm()).isEqualTo("EC");
    assertThat(leaf.getSigAlgName()).isEqualTo("SHA256withECDSA");
    assertThat(Duration.between(leaf.getNotBefore().toInstant(), leaf.getNotAfter().toInstant()))
        .isEqualTo(Duration.ofDays(3));
    assertThat(Chains.leadsTo(authority.root(), List.of(leaf))).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void theKeyBelongsToTheCertificate(KeyType type) throws Exception {
    IssuedCertificate issued = authority.issue(LeafSpec.service("web").keyType(type));
    String kind = issued.leaf().getPublicKey().getAlgorithm();
    Signature signature =
        Signature.getInstance("SHA256with" + (kind.equals("EC") ? "ECDSA" : kind));
    byte[] text = "text".getBytes(StandardCharsets.US_ASCII);
    signature.initSign(issued.privateKey());
    signature.update(text);
    byte[] signed = signature.sign();

    signature.initVerify(issued.leaf());
    signature.update(text);
    assertThat(signature.verify(signed)).isTrue();
    assertThat(issued.keyPem()).startsWith("-----BEGIN " + kind + " PRIVATE KEY-----\n");
    assertThat(issued.toString()).doesNotContain("PRIVATE");
  }

  @Test
  void sec1KeysCanBeReadBack() throws Exception {
    IssuedCertificate issued = authority.issue(LeafSpec.service("web"));
    try (var parser =
        new org.bouncycastle.openssl.PEMParser(new java.io.StringReader(issued.keyPem()))) {
      var pair = (org.bouncycastle.openssl.PEMKeyPair) parser.readObject();
      byte[] encoded = pair.getPublicKeyInfo().getEncoded();
      assertThat(
              KeyFactory.getInstance("EC")
                  .generatePublic(new java.security.spec.X509EncodedKeySpec(encoded)))
          .isEqualTo(issued.leaf().getPublicKey());
    }
  }

  @Test
  void namesOfAnyKindAndNumberCanBeMinted() throws Exception {
    X509Certificate odd =
        authority
            .issue(
                LeafSpec.withoutNames()
                    .uri("spiffe://a/b")
                    .uri("spiffe://c/d")
                    .dns("web.example.com")
                    .email("web@example.com"))
            .leaf();

    assertThat(odd.getSubjectAlternativeNames())
        .containsExactly(
            List.of(6, "spiffe://a/b"),
            List.of(6, "spiffe://c/d"),
            List.of(2, "web.example.com"),
            List.of(1, "web@example.com"));
    assertThat(authority.issue(LeafSpec.withoutNames()).leaf().getSubjectAlternativeNames())
        .isNull();
  }

  @Test
  void malformedBytesCanBeMintedInAName() {
    byte[] bytes = {'s', 'p', (byte) 0xff, 0, '%'};

    byte[] extension =
        authority
            .issue(LeafSpec.withoutNames().uriBytes(bytes))
            .leaf()
            .getExtensionValue("2.5.29.17");

    assertThat(Arrays.copyOfRange(extension, extension.length - 5, extension.length))
        .isEqualTo(bytes);
  }

  @Test
  void usagesAndTheAuthorityFlagCanBeBent() throws Exception {
    X509Certificate odd =
        authority
            .issue(
                LeafSpec.service("web").usage(CLIENT).keyUsage(KeyUsage.keyEncipherment).ca(true))
            .leaf();

    assertThat(odd.getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.2");
    assertThat(odd.getKeyUsage()[0]).isFalse();
    assertThat(odd.getBasicConstraints()).isGreaterThanOrEqualTo(0);
    X509Certificate bare = authority.issue(LeafSpec.service("web").usage().keyUsage(0)).leaf();
    assertThat(bare.getExtendedKeyUsage()).isNull();
    assertThat(bare.getKeyUsage()).isNull();
  }

  @Test
  void theWindowOfValidityCanBePastOrFuture() {
    Instant now = Instant.now();
    Duration hour = Duration.ofHours(1);
    LeafSpec spec = LeafSpec.service("web");

    X509Certificate past =
        authority.issue(spec.validity(now.minus(hour.multipliedBy(2)), now.minus(hour))).leaf();
    X509Certificate future =
        authority.issue(spec.validity(now.plus(hour), now.plus(hour.multipliedBy(2)))).leaf();

    assertThatThrownBy(past::checkValidity).isInstanceOf(CertificateExpiredException.class);
    assertThatThrownBy(future::checkValidity).isInstanceOf(CertificateNotYetValidException.class);
  }

  @Test
  void anEmptySubjectMakesTheNamesCritical() {
    X509Certificate leaf = authority.issue(LeafSpec.service("web").emptySubject()).leaf();

    assertThat(leaf.getSubjectX500Principal().getName()).isEmpty();
    assertThat(leaf.getCriticalExtensionOIDs()).contains("2.5.29.17");
    assertThat(
            authority
                .issue(LeafSpec.service("web").commonName("x"))
                .leaf()
                .getSubjectX500Principal()
                .getName())
        .isEqualTo("CN=x");
  }

  @Test
  void anIntermediateIsSentWithItsLeaves() {
    IssuedCertificate issued =
        authority.intermediate(KeyType.EC_P384).issue(LeafSpec.service("web"));

    assertThat(issued.chain()).hasSize(2);
    assertThat(Chains.leadsTo(authority.root(), issued.chain())).isTrue();
    assertThat(Chains.leadsTo(authority.root(), issued.chain().subList(0, 1))).isFalse();
  }

  @Test
  void aCrossSignedSuccessorIsTrustedThroughTheOldRoot() {
    MeshTestAuthority next = authority.successor(KeyType.RSA_2048);
    IssuedCertificate issued =
        next.sending(authority.crossSign(next)).issue(LeafSpec.service("web"));

    assertThat(Chains.leadsTo(authority.root(), issued.chain())).isTrue();
    assertThat(Chains.leadsTo(next.root(), issued.chain())).isTrue();
    assertThat(Chains.leadsTo(MeshTestAuthority.create().root(), issued.chain())).isFalse();
  }

  @Test
  void noProviderIsRegistered() {
    authority.issue(LeafSpec.service("web").keyType(KeyType.RSA_2048));

    assertThat(Security.getProviders()).extracting(Provider::getName).doesNotContain("BC");
  }
}
