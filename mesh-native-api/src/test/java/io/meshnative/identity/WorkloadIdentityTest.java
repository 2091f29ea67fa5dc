package io.meshnative.identity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.KeyPair;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkloadIdentityTest {
  private static final String WEB = "spiffe://one.consul/ns/default/dc/dc1/svc/web";
  private static final KeyPair KEY = Certificates.ecKey();
  private static final X509Certificate LEAF = Certificates.leaf(KEY, Certificates.uri(WEB));

  @Test
  void anEcKeyAsSec1IsRead() throws CertificateException {
    String key = Certificates.sec1(KEY);

    assertThat(key).startsWith("-----BEGIN EC PRIVATE KEY-----");
    assertThat(WorkloadIdentity.ofPem(Certificates.pem(LEAF), key).id())
        .isEqualTo(SpiffeId.parse(WEB));
  }

  @Test
  void anEcKeyAfterABlockThatNamesItsCurveIsRead() throws CertificateException {
    String parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";

    assertThat(
            WorkloadIdentity.ofPem(Certificates.pem(LEAF), parameters + Certificates.sec1(KEY))
                .id())
        .isEqualTo(SpiffeId.parse(WEB));
  }

  @ParameterizedTest
  @ValueSource(strings = {"EC", "RSA", "Ed25519"})
  void keysAsPkcs8AreRead(String algorithm) throws CertificateException {
    KeyPair key = algorithm.equals("EC") ? KEY : Certificates.key(algorithm);
    X509Certificate leaf = Certificates.leaf(key, Certificates.uri(WEB));

    String pem = Certificates.pkcs8(key);

    assertThat(pem).startsWith("-----BEGIN PRIVATE KEY-----");
    assertThat(WorkloadIdentity.ofPem(Certificates.pem(leaf), pem).leaf()).isEqualTo(leaf);
  }

  @Test
  void anRsaKeyAsPkcs1IsRead() throws CertificateException {
    KeyPair key = Certificates.key("RSA");
    X509Certificate leaf = Certificates.leaf(key, Certificates.uri(WEB));

    String pem = Certificates.pem(key.getPrivate());

    assertThat(pem).startsWith("-----BEGIN RSA PRIVATE KEY-----");
    assertThat(WorkloadIdentity.ofPem(Certificates.pem(leaf), pem).id())
        .isEqualTo(SpiffeId.parse(WEB));
  }

  @Test
  void theKeyOfAnotherCertificateIsRefused() {
    assertThatThrownBy(() -> WorkloadIdentity.of(List.of(LEAF), Certificates.ecKey().getPrivate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("found the key of another certificate");
  }

  @Test
  void aKeyOfAnotherAlgorithmIsRefused() {
    assertThatThrownBy(
            () -> WorkloadIdentity.of(List.of(LEAF), Certificates.key("RSA").getPrivate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("cannot sign for it");
  }

  @Test
  void T01_aLeafWithTwoUriNamesIsRefused() {
    X509Certificate leaf =
        Certificates.leaf(KEY, Certificates.uri(WEB), Certificates.uri(WEB + "2"));

    assertThatThrownBy(() -> WorkloadIdentity.of(List.of(leaf), KEY.getPrivate()))
        .isInstanceOf(CertificateException.class)
        .hasMessageContaining("exactly one URI");
  }

  @Test
  void aChainWithoutCertificateIsRefused() {
    assertThatThrownBy(() -> WorkloadIdentity.of(List.of(), KEY.getPrivate()))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  void theChainKeepsItsOrderAndItsCertificates() throws CertificateException {
    X509Certificate issuer = Certificates.authority(Certificates.ecKey());

    WorkloadIdentity identity =
        WorkloadIdentity.ofPem(
            Certificates.pem(LEAF) + Certificates.pem(issuer), Certificates.sec1(KEY));

    assertThat(identity.chain()).containsExactly(LEAF, issuer);
  }

  @Test
  void theLifeIsTheLeafs() throws CertificateException {
    WorkloadIdentity identity = WorkloadIdentity.of(List.of(LEAF), KEY.getPrivate());

    assertThat(identity.notBefore()).isEqualTo(Certificates.NOT_BEFORE);
    assertThat(identity.notAfter()).isEqualTo(Certificates.NOT_AFTER);
  }

  @Test
  void T51_theTextShowsTheIdAndNoKey() throws CertificateException {
    String text = WorkloadIdentity.of(List.of(LEAF), KEY.getPrivate()).toString();

    assertThat(text).contains(WEB, "1234").doesNotContain("PRIVATE").doesNotContain("BEGIN");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nothing",
        "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nc2VjcmV0",
        "-----BEGIN PRIVATE KEY-----\n!!secret!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nc2VjcmV0\n-----END PUBLIC KEY-----\n"
      })
  void T51_aKeyThatCannotBeReadIsRefusedWithoutShowingIt(String key) {
    assertThatThrownBy(() -> WorkloadIdentity.ofPem(Certificates.pem(LEAF), key))
        .isInstanceOf(CertificateException.class)
        .satisfies(refusal ->
            assertThat(Arrays.asList(refusal.toString(), String.valueOf(refusal.getCause())))
                .noneMatch(text -> Pattern.matches("(?s).*(c2VjcmV0|secret).*", text)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nothing",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
      })
  void aChainThatCannotBeReadIsRefused(String chain) {
    assertThatThrownBy(() -> WorkloadIdentity.ofPem(chain, Certificates.sec1(KEY)))
        .isInstanceOf(CertificateException.class);
  }
}
