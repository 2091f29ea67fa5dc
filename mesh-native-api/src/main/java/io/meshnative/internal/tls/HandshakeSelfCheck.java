package io.meshnative.internal.tls;

import io.meshnative.spi.TlsProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A mutual handshake of a provider with itself, in memory: does it load, sign, verify, ask for
 * certificates.
 */
final class HandshakeSelfCheck {
  private static final int MAX_STEPS = 200;

  private HandshakeSelfCheck() {}

  static void run(TlsProvider provider) throws GeneralSecurityException, IOException {
    KeyPair keys = keys();
    X509Certificate certificate = selfSigned(keys);
    int[] asked = new int[1];
    SSLContext context = SSLContext.getInstance("TLS", provider.provider());
    io.meshnative.identity.WorkloadIdentity identity =
        io.meshnative.identity.WorkloadIdentity.of(
            java.util.List.of(certificate), keys.getPrivate());
    context.init(
        new KeyManager[] {new EpochKeyManager(identity)},
        new TrustManager[] {new OnlyThis(certificate, asked)},
        new SecureRandom());
    SSLEngine client = context.createSSLEngine();
    SSLEngine server = context.createSSLEngine();
    EngineRules rules = EngineRules.of(false, false);
    rules.apply(client, true);
    rules.apply(server, false);
    byte[] greeting = "mesh".getBytes(StandardCharsets.US_ASCII);
    byte[] heard = exchange(client, server, greeting);
    if (!java.util.Arrays.equals(greeting, heard) || asked[0] != 2) {
      throw new GeneralSecurityException(
          "expected a mutual handshake with two certificate checks, found " + asked[0] + " checks");
    }
  }

  private static KeyPair keys() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static X509Certificate selfSigned(KeyPair keys) throws GeneralSecurityException {
    Instant now = Instant.now();
    X500Name name = new X500Name("CN=mesh-native self-check");
    try {
      byte[] encoded =
          new JcaX509v3CertificateBuilder(
                  name,
                  BigInteger.ONE,
                  Date.from(now.minus(1, ChronoUnit.HOURS)),
                  Date.from(now.plus(1, ChronoUnit.HOURS)),
                  name,
                  keys.getPublic())
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(
                  Extension.subjectAlternativeName,
                  false,
                  new GeneralNames(
                      new GeneralName(
                          GeneralName.uniformResourceIdentifier,
                          "spiffe://self-check.invalid/ns/default/dc/x/svc/y")))
              .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
              .getEncoded();
      return (X509Certificate)
          CertificateFactory.getInstance("X.509", "SUN")
              .generateCertificate(new ByteArrayInputStream(encoded));
    } catch (IOException | OperatorCreationException e) {
      throw new GeneralSecurityException("expected to make a certificate for the self-check", e);
    }
  }

  private static byte[] exchange(SSLEngine client, SSLEngine server, byte[] greeting)
      throws SSLException {
    ByteBuffer toServer = ByteBuffer.allocate(1 << 16).flip();
    ByteBuffer toClient = ByteBuffer.allocate(1 << 16).flip();
    ByteBuffer application = ByteBuffer.wrap(greeting);
    ByteBuffer heard = ByteBuffer.allocate(1 << 15);
    ByteBuffer nothing = ByteBuffer.allocate(0);
    ByteBuffer waste = ByteBuffer.allocate(1 << 15);
    for (int step = 0; step < MAX_STEPS && heard.position() < greeting.length; step++) {
      tasks(client);
      tasks(server);
      send(client, application, toServer);
      receive(server, toServer, heard);
      tasks(server);
      send(server, nothing, toClient);
      receive(client, toClient, waste);
    }
    byte[] result = new byte[heard.position()];
    heard.flip().get(result);
    return result;
  }

  private static void send(SSLEngine engine, ByteBuffer application, ByteBuffer network)
      throws SSLException {
    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP) {
      return;
    }
    network.compact();
    engine.wrap(application, network);
    network.flip();
  }

  private static void receive(SSLEngine engine, ByteBuffer network, ByteBuffer application)
      throws SSLException {
    while (network.hasRemaining()) {
      SSLEngineResult result = engine.unwrap(network, application);
      tasks(engine);
      if (result.bytesConsumed() == 0) {
        return;
      }
    }
  }

  private static void tasks(SSLEngine engine) {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  static void requireZeroSignatureRefused() throws GeneralSecurityException {
    Signature verifier = Signature.getInstance("SHA256withECDSA");
    verifier.initVerify(keys().getPublic());
    verifier.update((byte) 1);
    boolean accepted;
    try {
      accepted = verifier.verify(new byte[] {0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00});
    } catch (SignatureException e) {
      accepted = false; // refused by an exception, as current JDKs do
    }
    if (accepted) {
      throw new IllegalStateException(
          "expected a JDK that refuses the all-zero ECDSA signature, found "
              + System.getProperty("java.version")
              + ", which accepts it (CVE-2022-21449); update the JDK");
    }
  }

  /** Trusts one certificate, for a handshake that never leaves this class. */
  private static final class OnlyThis extends X509ExtendedTrustManager {
    private final X509Certificate expected;
    private final int[] asked;

    OnlyThis(X509Certificate expected, int[] asked) {
      this.expected = expected;
      this.asked = asked;
    }

    private void check(X509Certificate[] chain) throws CertificateException {
      if (chain.length != 1
          || !java.util.Arrays.equals(chain[0].getEncoded(), expected.getEncoded())) {
        throw new CertificateException("expected the certificate of the self-check");
      }
      asked[0]++;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      check(chain);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, java.net.Socket socket)
        throws CertificateException {
      throw new CertificateException("only engines are used");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, java.net.Socket socket)
        throws CertificateException {
      throw new CertificateException("only engines are used");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw new CertificateException("only engines are used");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw new CertificateException("only engines are used");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
