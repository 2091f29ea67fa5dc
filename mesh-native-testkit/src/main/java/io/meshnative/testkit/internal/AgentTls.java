package io.meshnative.testkit.internal;

import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.testkit.TlsFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * The agent's own TLS: an authority for this plane alone, a server certificate for {@code
 * localhost}, 127.0.0.1 and the name of a Consul server, and one for clients.
 */
public final class AgentTls {
  private static final Duration LIFE = Duration.ofDays(30);

  private final SSLSocketFactory sockets;
  private final TlsFiles files;

  /**
   * Makes the certificates and writes the PEM files.
   *
   * @throws UncheckedIOException if they cannot be written
   */
  public AgentTls(Path directory, String datacenter) {
    // The system's clock, for it is the client's, whatever time a test plays for the mesh.
    MeshTestAuthority authority =
        MeshTestAuthority.create("agent-ca.consul", KeyType.EC_P256, Clock.systemUTC());
    IssuedCertificate server =
        authority.issue(
            LeafSpec.withoutNames()
                .commonName("server." + datacenter + ".consul")
                .dns("localhost")
                .dns("server." + datacenter + ".consul")
                .ip("127.0.0.1")
                .life(LIFE));
    IssuedCertificate client =
        authority.issue(
            LeafSpec.withoutNames().commonName("client." + datacenter + ".consul").life(LIFE));
    this.sockets = sockets(authority, server);
    this.files =
        new TlsFiles(
            directory.resolve("agent-ca.pem"),
            directory.resolve("agent-client-cert.pem"),
            directory.resolve("agent-client-key.pem"));
    write(files.caCertificate(), authority.rootPem());
    write(files.clientCertificate(), client.certPem());
    write(files.clientKey(), client.keyPem());
  }

  private static void write(Path file, String pem) {
    try {
      Path unused = Files.writeString(file, pem, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot write " + file + "; tls(...) takes a directory that exists", e);
    }
  }

  private static SSLSocketFactory sockets(MeshTestAuthority authority, IssuedCertificate server) {
    try {
      char[] password = new char[0];
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, password);
      X509Certificate[] chain = {server.leaf(), authority.root()};
      store.setKeyEntry("agent", server.privateKey(), password, chain);
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, password);
      KeyStore anchors = KeyStore.getInstance("PKCS12");
      anchors.load(null, password);
      anchors.setCertificateEntry("agent-ca", authority.root());
      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(anchors);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("this JDK cannot make the agent's TLS context", e);
    }
  }

  SSLSocketFactory sockets() {
    return sockets;
  }

  public TlsFiles files() {
    return files;
  }
}
