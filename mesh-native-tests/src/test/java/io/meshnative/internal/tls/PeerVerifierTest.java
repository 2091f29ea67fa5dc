package io.meshnative.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.PeerIdentityException;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.LeafSpec.ExtendedUsage;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.cert.Certificate;
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
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The proof of a chain, without a handshake. */
class PeerVerifierTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final PeerVerifier verifier = new PeerVerifier(new ProofStore());
  private final TrustEpoch epoch = epoch(1, authority.root());

  private TrustEpoch epoch(long number, X509Certificate... roots) {
    try {
      IssuedCertificate own = authority.issue(LeafSpec.service("db"));
      return TrustEpoch.underForeignRoots(
          number,
          WorkloadIdentity.of(own.chain(), own.privateKey()),
          List.of(TrustBundle.of(TrustDomain.of(authority.trustDomain()), List.of(roots))));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private PeerProof prove(List<X509Certificate> chain, PeerRole role, TrustEpoch in, Instant now)
      throws PeerIdentityException {
    return verifier.prove(chain.toArray(new Certificate[0]), role, in, now);
  }

  private void refused(
      List<X509Certificate> chain, PeerRole role, TrustEpoch in, Instant now, String reason) {
    assertThatThrownBy(() -> prove(chain, role, in, now))
        .isInstanceOf(PeerIdentityException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void aProofInOneRoleIsNoneInTheOther() throws Exception {
    List<X509Certificate> chain =
        authority.issue(LeafSpec.service("web").usage(ExtendedUsage.CLIENT)).chain();
    prove(chain, PeerRole.CLIENT, epoch, Instant.now());
    refused(chain, PeerRole.SERVER, epoch, Instant.now(), "not for a server");
  }

  @Test
  void aProofUnderSomeRootsIsNoneUnderOthers() throws Exception {
    List<X509Certificate> chain = authority.issue(LeafSpec.service("web")).chain();
    prove(chain, PeerRole.CLIENT, epoch, Instant.now());
    TrustEpoch after = epoch(2, authority.successor(io.meshnative.testkit.KeyType.EC_P256).root());
    refused(chain, PeerRole.CLIENT, after, Instant.now(), "does not lead to a root");
  }

  @Test
  void aKnownChainIsRefusedOnceItsTimeIsOver() throws Exception {
    List<X509Certificate> chain =
        authority.issue(LeafSpec.service("web").life(Duration.ofHours(2))).chain();
    PeerProof first = prove(chain, PeerRole.CLIENT, epoch, Instant.now());
    assertThat(prove(chain, PeerRole.CLIENT, epoch, Instant.now())).isSameAs(first);
    refused(
        chain,
        PeerRole.CLIENT,
        epoch,
        Instant.now().plus(Duration.ofHours(3)),
        "does not lead to a root");
    refused(
        chain,
        PeerRole.CLIENT,
        epoch,
        Instant.now().minus(Duration.ofHours(1)),
        "does not lead to a root");
  }

  @Test
  void aFailureIsNotKept() throws Exception {
    List<X509Certificate> chain = authority.issue(LeafSpec.service("web")).chain();
    refused(
        chain,
        PeerRole.CLIENT,
        epoch,
        Instant.now().plus(Duration.ofDays(4)),
        "does not lead to a root");
    assertThat(prove(chain, PeerRole.CLIENT, epoch, Instant.now()).id().path())
        .endsWith("/svc/web");
  }

  @Test
  void thePathsEarliestEndIsTheProofs() throws Exception {
    MeshTestAuthority other = authority.successor(io.meshnative.testkit.KeyType.EC_P256);
    X509Certificate bridge = authority.crossSign(other, Duration.ofHours(5));
    List<X509Certificate> chain = other.sending(bridge).issue(LeafSpec.service("web")).chain();
    assertThat(prove(chain, PeerRole.CLIENT, epoch, Instant.now()).notAfter())
        .isEqualTo(bridge.getNotAfter().toInstant());
    refused(
        chain,
        PeerRole.CLIENT,
        epoch,
        Instant.now().plus(Duration.ofHours(6)),
        "does not lead to a root");
  }

  @Test
  void noCertificateAndTooManyAreRefused() {
    refused(List.of(), PeerRole.CLIENT, epoch, Instant.now(), "no certificate");
    X509Certificate leaf = authority.issue(LeafSpec.service("web")).leaf();
    refused(
        java.util.Collections.nCopies(11, leaf),
        PeerRole.CLIENT,
        epoch,
        Instant.now(),
        "at most 10");
    X509Certificate fat =
        authority.issue(LeafSpec.service("x").uri("spiffe://" + "x".repeat(33_000))).leaf();
    refused(List.of(leaf, fat, fat), PeerRole.CLIENT, epoch, Instant.now(), "bytes");
  }

  // ---- keys and hashes that no TLS stack here would even sign with ----

  private static KeyPair keys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private List<X509Certificate> minted(PublicKey key, String signature) throws Exception {
    KeyPair issuer = keys();
    MeshTestAuthority below = authority.successor(issuer);
    X509Certificate bridge = authority.crossSign(below);
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            X500Name.getInstance(bridge.getSubjectX500Principal().getEncoded()),
            BigInteger.TEN,
            Date.from(Instant.now().minus(Duration.ofHours(1))),
            Date.from(Instant.now().plus(Duration.ofHours(1))),
            new X500Name("CN=minted"),
            key);
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(
            new GeneralName(
                GeneralName.uniformResourceIdentifier, authority.serviceUri("web", "dc1"))));
    byte[] der =
        builder
            .build(new JcaContentSignerBuilder(signature).build(issuer.getPrivate()))
            .getEncoded();
    X509Certificate leaf =
        (X509Certificate)
            CertificateFactory.getInstance("X.509", "SUN")
                .generateCertificate(new ByteArrayInputStream(der));
    return List.of(leaf, bridge);
  }

  @ParameterizedTest
  @ValueSource(strings = {"SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA"})
  void strongHashesAreAccepted(String signature) throws Exception {
    prove(minted(keys().getPublic(), signature), PeerRole.CLIENT, epoch, Instant.now());
  }

  @ParameterizedTest
  @ValueSource(strings = {"SHA1withECDSA", "SHA224withECDSA"})
  void weakHashesAreRefused(String signature) throws Exception {
    refused(
        minted(keys().getPublic(), signature),
        PeerRole.CLIENT,
        epoch,
        Instant.now(),
        "signature by");
  }

  @ParameterizedTest
  @CsvSource({"EC, secp224r1", "EC, prime192v1", "EC, secp160r1", "DSA, 1024"})
  void weakAndUnknownKeysAreRefused(String algorithm, String size) throws Exception {
    KeyPairGenerator generator =
        KeyPairGenerator.getInstance(algorithm, new BouncyCastleProvider());
    if (algorithm.equals("EC")) {
      generator.initialize(new ECGenParameterSpec(size));
    } else {
      generator.initialize(Integer.parseInt(size));
    }
    PublicKey key = generator.generateKeyPair().getPublic();
    assertThatThrownBy(
            () -> prove(minted(key, "SHA256withECDSA"), PeerRole.CLIENT, epoch, Instant.now()))
        .isInstanceOfAny(
            PeerIdentityException.class, java.security.cert.CertificateException.class);
  }
}
