package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What is left of a connection that was refused or cut: no memory of the engine's, and one line of
 * text.
 */
@Timeout(60)
class EndOfAConnectionTest {
  private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");

  @Test
  void theNativeEngineOfAConnectionThatWasCutIsFreedAtOnce() throws Exception {
    try (MeshClient web = Engines.builder("web", "Conscrypt").controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", "Conscrypt").controlPlane(dbPlane).build();
        MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults())) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", server.getLocalPort()));
      SSLSocket caller = web.dial("db");
      SSLSocket callee = server.accept();
      Object ofCallee = nativeEngine(callee);
      Object ofCaller = nativeEngine(caller);
      assertThat(isFreed(ofCallee)).isFalse();
      dbPlane.intentions(FakeControlPlane.update(DefaultDecision.DENY));
      Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> isFreed(ofCallee));
      caller.close();
      Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> isFreed(ofCaller));
    }
  }

  private static Object nativeEngine(SSLSocket socket) throws ReflectiveOperationException {
    Object session = socket.getSession();
    Method toEngine = session.getClass().getMethod("engine");
    Object engine = field(toEngine.invoke(session), "real");
    while (!engine.getClass().getSimpleName().equals("ConscryptEngine")) {
      engine = field(engine, "delegate");
    }
    return field(engine, "ssl");
  }

  private static Object field(Object of, String name) throws ReflectiveOperationException {
    Class<?> type = of.getClass();
    while (Arrays.stream(type.getDeclaredFields()).noneMatch(f -> f.getName().equals(name))) {
      type = type.getSuperclass();
    }
    Field field = type.getDeclaredField(name);
    field.setAccessible(true);
    return field.get(of);
  }

  private static boolean isFreed(Object ssl) throws ReflectiveOperationException {
    Method isClosed = ssl.getClass().getDeclaredMethod("isClosed");
    isClosed.setAccessible(true);
    return (Boolean) isClosed.invoke(ssl);
  }

  @Test
  void whatAPeerWroteIntoItsCertificateIsOneBoundedLineInEventsAndLogs() throws Exception {
    byte[] hostile =
        ("spiffe://"
                + authority.trustDomain()
                + "/ns/default\r\nWARNING: all is well \u001b[2J"
                + "x".repeat(20_000))
            .getBytes(StandardCharsets.ISO_8859_1);
    IssuedCertificate leaf = authority.issue(LeafSpec.withoutNames().uriBytes(hostile));
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry("k", leaf.privateKey(), new char[0], leaf.chain().toArray(new Certificate[0]));
    KeyManagerFactory managers = KeyManagerFactory.getInstance("PKIX");
    managers.init(keys, new char[0]);
    SSLContext attacker = SSLContext.getInstance("TLS");
    attacker.init(
        managers.getKeyManagers(), new TrustManager[] {new Anybody()}, new SecureRandom());
    try (MeshClient db = MeshClient.builder("db").controlPlane(dbPlane).build();
        MeshServerSocket server = db.listen(ANY_PORT, ListenOptions.defaults())) {
      try (SSLSocket socket =
          (SSLSocket)
              attacker.getSocketFactory().createSocket("127.0.0.1", server.getLocalPort())) {
        socket.startHandshake();
        socket.getInputStream().read();
      } catch (java.io.IOException e) {
        // Refused, as it should be.
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> !db.snapshot().lastDenials().isEmpty());
      List<String> reasons =
          db.snapshot().lastDenials().stream().map(denied -> denied.reason()).toList();
      assertThat(reasons)
          .allSatisfy(reason -> {
            assertThat(reason.length()).isLessThan(1200);
            assertThat(reason.chars().noneMatch(Character::isISOControl)).isTrue();
          });
    }
  }

  /** The attacker does not care whom it talks to. */
  private static final class Anybody extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, java.net.Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
