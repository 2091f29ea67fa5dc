package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import java.io.StringWriter;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Date;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** T15: whoever answers in the agent's stead must prove its name. */
class AgentTlsTest {
  private static final AgentCall CALL = AgentCall.get("status", "leader");
  private static final char[] NONE = new char[0];

  @TempDir Path folder;
  private final MockWebServer server = new MockWebServer();
  private final KeyPair caKey = key();
  private final X509Certificate ca = certificate("agent-ca", caKey, "agent-ca", caKey, true, null);
  private Path caFile;

  @BeforeEach
  void start() throws Exception {
    KeyPair key = key();
    X509Certificate certificate =
        certificate("server", key, "agent-ca", caKey, false, "server.dc1.consul");
    SSLContext context = SSLContext.getInstance("TLS");
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store(key, certificate), NONE);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store(null, ca));
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    server.useHttps(context.getSocketFactory());
    server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) {
            return Agents.json("1", "\"leader\"");
          }
        });
    caFile = pem("ca.pem", ca);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private ConsulConfig.Builder config() {
    return ConsulConfig.builder().address("https://127.0.0.1:" + server.getPort());
  }

  private static Answer call(ConsulConfig config) throws ControlPlaneException {
    try (AgentClient client = new AgentClient(config)) {
      return client.execute(CALL, new Calls());
    }
  }

  @Test
  void t15TheServerNameIsProvenInsteadOfTheAddress() throws Exception {
    server.start();
    ConsulConfig config = config().caFile(caFile).tlsServerName("server.dc1.consul").build();
    assertThat(call(config).body().readUtf8()).isEqualTo("\"leader\"");
  }

  @Test
  void authoritiesMayStandInADirectory() throws Exception {
    server.start();
    ConsulConfig config = config().caDirectory(folder).tlsServerName("server.dc1.consul").build();
    assertThat(call(config).index()).isEqualTo(1);
  }

  @Test
  void t15AnotherNameIsRefused() throws Exception {
    server.start();
    for (ConsulConfig config :
        new ConsulConfig[] {
          config().caFile(caFile).build(),
          config().caFile(caFile).tlsServerName("server.dc2.consul").build()
        }) {
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> call(config))
          .withMessageContaining("SSLPeerUnverifiedException");
    }
  }

  @Test
  void t15AnAuthorityThatWasNotConfiguredIsRefused() throws Exception {
    server.start();
    assertThatExceptionOfType(ControlPlaneException.class)
        .isThrownBy(() -> call(config().tlsServerName("server.dc1.consul").build()))
        .withMessageContaining("SSLHandshakeException");
  }

  @Test
  void withVerificationSwitchedOffAnyoneIsBelieved() throws Exception {
    server.start();
    assertThat(call(config().verify(false).build()).index()).isEqualTo(1);
  }

  @Test
  void aClientCertificateWithItsSec1KeyIsShownWhereAsked() throws Exception {
    server.requireClientAuth();
    server.start();
    KeyPair key = key();
    Path certificate =
        pem(
            "client.pem",
            certificate("client", key, "agent-ca", caKey, false, "client.dc1.consul"));
    Path keyFile = pem("client-key.pem", sec1(key));
    assertThat(Files.readString(keyFile)).contains("BEGIN EC PRIVATE KEY");
    ConsulConfig.Builder with = config().caFile(caFile).tlsServerName("server.dc1.consul");
    assertThat(call(with.clientCertificate(certificate, keyFile).build()).index()).isEqualTo(1);

    ConsulConfig without = config().caFile(caFile).tlsServerName("server.dc1.consul").build();
    assertThatExceptionOfType(ControlPlaneException.class).isThrownBy(() -> call(without));
  }

  @Test
  void t52TheKeyOfAnotherCertificateIsNotShown() throws Exception {
    server.start();
    KeyPair key = key();
    Path certificate =
        pem(
            "client.pem",
            certificate("client", key, "agent-ca", caKey, false, "client.dc1.consul"));
    Path keyFile = pem("client-key.pem", sec1(key()));
    ConsulConfig config = config().caFile(caFile).clientCertificate(certificate, keyFile).build();
    assertThatExceptionOfType(ControlPlaneException.class)
        .isThrownBy(() -> call(config))
        .withMessageContaining("expected the key of the certificate in " + certificate)
        .withMessageContaining("found the key of another");
  }

  @Test
  void t52AuthoritiesThatEverybodyMayReplaceAreNotBelieved() throws Exception {
    server.start();
    Files.setPosixFilePermissions(caFile, PosixFilePermissions.fromString("rw-rw-rw-"));
    for (ConsulConfig.Builder config :
        new ConsulConfig.Builder[] {config().caFile(caFile), config().caDirectory(folder)}) {
      ConsulConfig named = config.tlsServerName("server.dc1.consul").build();
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> call(named))
          .withMessageContaining("not everybody may write to")
          .withMessageContaining("chmod o-w");
    }
  }

  @Test
  void t55AProviderThatWasPutFirstNeitherShakesHandsNorJudges() throws Exception {
    server.start();
    ConsulConfig stranger = config().tlsServerName("server.dc1.consul").build();
    ConsulConfig known = config().caFile(caFile).tlsServerName("server.dc1.consul").build();
    Usurper usurper = Usurper.first();
    try {
      assertThat(call(known).index()).isEqualTo(1);
      assertThatExceptionOfType(ControlPlaneException.class)
          .isThrownBy(() -> call(stranger))
          .withMessageContaining("SSLHandshakeException");
    } finally {
      usurper.remove();
    }
  }

  private Path pem(String name, Object object) throws Exception {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    }
    return Files.writeString(folder.resolve(name), text.toString());
  }

  /** As Consul's own tool writes keys: with the curve inside. */
  private static PemObject sec1(KeyPair key) throws Exception {
    ECPrivateKey sec1 =
        new ECPrivateKey(
            256,
            ((java.security.interfaces.ECPrivateKey) key.getPrivate()).getS(),
            SECObjectIdentifiers.secp256r1);
    return new PemObject("EC PRIVATE KEY", sec1.getEncoded());
  }

  private static KeyStore store(KeyPair key, X509Certificate certificate) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    if (key == null) {
      store.setCertificateEntry("ca", certificate);
    } else {
      store.setKeyEntry("key", key.getPrivate(), NONE, new Certificate[] {certificate});
    }
    return store;
  }

  private static KeyPair key() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      return generator.generateKeyPair();
    } catch (java.security.GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static X509Certificate certificate(
      String subject, KeyPair key, String issuer, KeyPair issuerKey, boolean isCa, String dns) {
    try {
      Instant now = Instant.now();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              new X500Name("CN=" + issuer),
              BigInteger.valueOf(Math.abs((long) subject.hashCode()) + 1),
              Date.from(now.minusSeconds(3600)),
              Date.from(now.plusSeconds(3600)),
              new X500Name("CN=" + subject),
              key.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isCa));
      if (dns != null) {
        builder.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName(GeneralName.dNSName, dns)));
      }
      return new JcaX509CertificateConverter()
          .getCertificate(
              builder.build(
                  new JcaContentSignerBuilder("SHA256withECDSA").build(issuerKey.getPrivate())));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
