package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * TLS 1.2 without the extended master secret (RFC 7627) is refused, on every engine and at both
 * ends. Only a whole JVM can be made to speak it, so the peer is another process.
 */
@Timeout(300)
class LegacyMasterSecretTest {
  private static final String LEGACY = "-Djdk.tls.useExtendedMasterSecret=false";
  private static final char[] PASSWORD = "password".toCharArray();

  @TempDir Path directory;

  private final MeshTestAuthority authority = MeshTestAuthority.create();

  private MeshClient client(String service, Tls tls) throws Exception {
    MeshClient client =
        MeshClient.builder(service)
            .controlPlane(FakeControlPlane.allowingAll(authority, service))
            .tlsProvider(tls.provider())
            .tls12(true, true)
            .build();
    client.awaitReady(Duration.ofSeconds(60));
    return client;
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void aCallerWithoutTheExtendedMasterSecretIsRefused(Tls tls) throws Exception {
    Path keys = keys("web");
    try (MeshClient db = client("db", tls);
        Echo echo =
            new Echo(db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()))) {
      assertThat(call(keys, echo.port(), "TLSv1.2")).contains("served TLSv1.2");
      assertThat(call(keys, echo.port(), "TLSv1.3", LEGACY)).contains("served TLSv1.3");
      int bytes = echo.bytes();
      assertThat(bytes).isEqualTo(2);

      assertThat(call(keys, echo.port(), "TLSv1.2", LEGACY)).contains("refused");

      assertThat(echo.bytes()).isEqualTo(bytes);
      TlsWorld.await(() -> TlsWorld.lastDenial(db).contains("extended master secret"));
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void aServerWithoutTheExtendedMasterSecretIsRefused(Tls tls) throws Exception {
    try (MeshClient web = client("web", tls)) {
      Process sound = start(keys("db"), 0, "TLSv1.2");
      try {
        TlsWorld.ping(web, Destination.parse("db"), port(sound), "TLSv1.2");
      } finally {
        sound.destroyForcibly();
      }
      Process legacy = start(keys("db"), 0, "TLSv1.2", LEGACY);
      try {
        int port = port(legacy);
        org.assertj.core.api.Assertions.assertThatThrownBy(
                () -> TlsWorld.ping(web, Destination.parse("db"), port, "TLSv1.2"))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("extended master secret");
      } finally {
        legacy.destroyForcibly();
      }
    }
  }

  // ---- the other process ----

  private Path keys(String service) throws Exception {
    IssuedCertificate issued = authority.issue(LeafSpec.service(service));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, PASSWORD);
    store.setKeyEntry(
        "key", issued.privateKey(), PASSWORD, issued.chain().toArray(new Certificate[0]));
    Path file = directory.resolve(service + ".p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, PASSWORD);
    }
    return file;
  }

  private static Process start(Path keys, int port, String version, String... options)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            Peer.class.getName(),
            keys.toString(),
            String.valueOf(port),
            version));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String call(Path keys, int port, String version, String... options)
      throws Exception {
    Process process = start(keys, port, version, options);
    try {
      String said = new String(process.getInputStream().readAllBytes());
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      return said;
    } finally {
      process.destroyForcibly();
    }
  }

  private static int port(Process process) throws IOException {
    StringBuilder line = new StringBuilder();
    InputStream in = process.getInputStream();
    for (int c = in.read(); c >= 0; c = in.read()) {
      if (c == '\n') {
        if (line.indexOf("port ") == 0) {
          return Integer.parseInt(line.substring(5).trim());
        }
        line.setLength(0);
      } else {
        line.append((char) c);
      }
    }
    throw new IOException("the peer ended and said: " + line);
  }

  /** A peer on JSSE: calls a port, or serves one that it names where the port is 0. */
  static final class Peer {
    private Peer() {}

    public static void main(String[] arguments) throws Exception {
      KeyStore store = KeyStore.getInstance("PKCS12");
      try (InputStream in = Files.newInputStream(Path.of(arguments[0]))) {
        store.load(in, PASSWORD);
      }
      List<X509Certificate> chain =
          Stream.of(store.getCertificateChain("key")).map(X509Certificate.class::cast).toList();
      RawPeer peer =
          RawPeer.of(
              Security.getProvider("SunJSSE"),
              new RawPeer.Card(chain, (PrivateKey) store.getKey("key", PASSWORD)));
      int port = Integer.parseInt(arguments[1]);
      if (port == 0) {
        EngineEcho echo = new EngineEcho(peer::serverEngine);
        System.out.println("port " + echo.port());
        new java.util.concurrent.CountDownLatch(1).await(); // until the test ends the process
      }
      try {
        peer.ping(port, arguments[2]);
        System.out.println("served " + arguments[2]);
      } catch (IOException e) {
        System.out.println("refused: " + e);
      }
    }
  }
}
