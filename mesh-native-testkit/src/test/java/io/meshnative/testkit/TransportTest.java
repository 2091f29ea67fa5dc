package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ways to reach the plane besides plain HTTP. */
class TransportTest {
  @TempDir Path directory;

  private static Certificate certificate(Path file) throws Exception {
    try (InputStream in = Files.newInputStream(file)) {
      return CertificateFactory.getInstance("X.509").generateCertificate(in);
    }
  }

  private static HttpResponse<String> leader(
      EmbeddedControlPlane plane, KeyManager @Nullable [] keys) throws Exception {
    KeyStore anchors = KeyStore.getInstance("PKCS12");
    anchors.load(null, null);
    anchors.setCertificateEntry("ca", certificate(plane.tlsFiles().caCertificate()));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(anchors);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, trust.getTrustManagers(), null);
    HttpClient client = HttpClient.newBuilder().sslContext(context).build();
    URI uri = URI.create(plane.httpsAddress() + "/v1/status/leader");
    return client.send(
        HttpRequest.newBuilder(uri).timeout(Agent.GUARD).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static KeyManager[] keys(Certificate certificate, java.security.PrivateKey key)
      throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("client", key, new char[0], new Certificate[] {certificate});
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, new char[0]);
    return factory.getKeyManagers();
  }

  @Test
  void overTlsTheServerProvesItselfByTheAgentsOwnAuthority() throws Exception {
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().tls(directory).start()) {
      assertThat(leader(plane, null).body()).isEqualTo("\"127.0.0.1:8300\"");
      assertThat(new Agent(plane).get("/v1/status/leader").status()).isEqualTo(200);
    }
  }

  @Test
  void verifyIncomingTakesTheAgentsClientCertificateAndNoLeafOfTheMesh() throws Exception {
    try (EmbeddedControlPlane plane =
        EmbeddedControlPlane.builder().tls(directory).verifyIncoming(true).start()) {
      IssuedCertificate leaf = plane.caIssue("web");

      assertThatThrownBy(() -> leader(plane, null)).isInstanceOf(IOException.class);
      assertThatThrownBy(() -> leader(plane, keys(leaf.leaf(), leaf.privateKey())))
          .isInstanceOf(IOException.class);
      assertThat(leader(plane, clientKeys(plane.tlsFiles())).statusCode()).isEqualTo(200);
    }
  }

  private static KeyManager[] clientKeys(TlsFiles files) throws Exception {
    try (var reader =
        new org.bouncycastle.openssl.PEMParser(Files.newBufferedReader(files.clientKey()))) {
      var pair = (org.bouncycastle.openssl.PEMKeyPair) reader.readObject();
      byte[] pkcs8 = pair.getPrivateKeyInfo().getEncoded();
      return keys(
          certificate(files.clientCertificate()),
          KeyFactory.getInstance("EC")
              .generatePrivate(new java.security.spec.PKCS8EncodedKeySpec(pkcs8)));
    }
  }

  @Test
  void withoutTlsThereIsNoAddressForIt() {
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.start()) {
      assertThatThrownBy(plane::httpsAddress)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("tls(directory)");
    }
  }

  @Test
  void aUnixSocketHandsBytesToTheAgentAndGoesWithThePlane() throws Exception {
    Path path = directory.resolve("s");
    try (EmbeddedControlPlane plane = EmbeddedControlPlane.builder().unixSocket(path).start()) {
      assertThat(plane.requests("/v1/status/leader")).isZero();
      try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
        socket.connect(UnixDomainSocketAddress.of(path));
        String request = "GET /v1/status/leader HTTP/1.1\r\nHost: localhost\r\n\r\n";
        socket.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.US_ASCII)));

        StringBuilder answer = new StringBuilder();
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        while (!answer.toString().contains("8300") && socket.read(buffer) >= 0) {
          answer.append(StandardCharsets.US_ASCII.decode(buffer.flip()));
          buffer.clear();
        }
        assertThat(answer.toString()).startsWith("HTTP/1.1 200 OK");
      }
    }
    assertThat(path).doesNotExist();
  }
}
