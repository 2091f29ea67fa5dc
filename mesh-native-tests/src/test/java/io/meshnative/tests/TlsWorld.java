package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.discovery.Destination;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.security.Provider;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.conscrypt.Conscrypt;

/**
 * An embedded plane with the services {@code db} and {@code web} on one TLS provider, each with a
 * clock of its own.
 */
final class TlsWorld implements AutoCloseable {
  static final Duration HANG_GUARD = Duration.ofSeconds(60);
  static final Destination DB = Destination.parse("db");
  static final Destination API = Destination.parse("api");

  /** One for the whole JVM, and not registered. */
  private static final TlsProvider CONSCRYPT_PROVIDER = TlsProvider.of(Conscrypt.newProvider());

  /** The engines that every safety test runs on. */
  enum Tls {
    JSSE,
    CONSCRYPT;

    TlsProvider provider() {
      return this == JSSE ? TlsProvider.jsse() : CONSCRYPT_PROVIDER;
    }

    Provider security() {
      return provider().provider();
    }
  }

  /** How a server takes connections. */
  enum Door {
    LISTEN,
    ENGINE
  }

  /** What a server's application saw. */
  interface Application extends AutoCloseable {
    int port();

    int bytes();

    @Override
    void close() throws IOException;
  }

  final EmbeddedPlane embedded = EmbeddedPlane.start(true);
  final EmbeddedControlPlane plane = embedded.plane();
  final TestClock dbClock = new TestClock();
  final TestClock webClock = new TestClock();
  final MeshClient db;
  final MeshClient web;
  private final Tls tls;
  private final Optional<Boolean> resumption;

  TlsWorld(Tls tls, Optional<Boolean> resumption) throws Exception {
    this.tls = tls;
    this.resumption = resumption;
    this.db = client("db", dbClock);
    this.web = client("web", webClock);
  }

  MeshClient client(String service, TestClock clock) throws Exception {
    MeshClient.Builder builder =
        embedded.client(service).tlsProvider(tls.provider()).tls12(true, true).clock(clock);
    resumption.ifPresent(builder::sessionResumption);
    MeshClient client = builder.build();
    client.awaitReady(HANG_GUARD);
    return client;
  }

  static Application open(MeshClient service, Door door) throws IOException {
    return open(service, door, 0);
  }

  static Application open(MeshClient service, Door door, int port) throws IOException {
    if (door == Door.ENGINE) {
      return application(
          Ports.listening(() ->
              new EngineEcho(() -> service.serverContext().createSSLEngine(), port, engine -> {})));
    }
    Echo echo =
        new Echo(
            Ports.listening(() ->
                service.listen(
                    new InetSocketAddress("127.0.0.1", port), ListenOptions.defaults())));
    return new Application() {
      @Override
      public int port() {
        return echo.port();
      }

      @Override
      public int bytes() {
        return echo.bytes();
      }

      @Override
      public void close() throws IOException {
        echo.close();
      }
    };
  }

  /** A server of bare engines that are not ours. */
  static Application open(RawPeer peer, int port, Tls tls) throws IOException {
    return application(
        Ports.listening(() ->
            new EngineEcho(
                () -> {
                  SSLEngine engine = peer.serverEngine();
                  if (tls == Tls.CONSCRYPT) {
                    Conscrypt.setUseSessionTickets(engine, true);
                  }
                  return engine;
                },
                port,
                engine -> {})));
  }

  private static Application application(EngineEcho echo) {
    return new Application() {
      @Override
      public int port() {
        return echo.port();
      }

      @Override
      public int bytes() {
        return echo.bytes();
      }

      @Override
      public void close() throws IOException {
        echo.close();
      }
    };
  }

  /**
   * One of our clients calls what listens on a port, expecting a destination, in one TLS version.
   */
  static void ping(MeshClient client, Destination destination, int port, String version)
      throws IOException {
    Socket raw = new Socket("127.0.0.1", port);
    try (raw;
        SSLSocket socket =
            (SSLSocket)
                client.sslSocketFactory(destination).createSocket(raw, "127.0.0.1", port, true)) {
      socket.setSoTimeout((int) HANG_GUARD.toMillis());
      socket.setEnabledProtocols(new String[] {version});
      Echo.ping(socket);
      assertThat(socket.getSession().getProtocol()).isEqualTo(version);
    }
  }

  /** The call fails, the judge reports a denial, and the application sees not one byte. */
  static void refused(MeshClient judge, Application application, ThrowingCallable call) {
    int bytes = application.bytes();
    Optional<MeshEvent.Denied> before = newest(judge);
    assertThatThrownBy(call)
        .isInstanceOf(IOException.class)
        .isNotInstanceOf(SocketTimeoutException.class);
    await(() -> !newest(judge).equals(before));
    assertThat(application.bytes()).isEqualTo(bytes);
  }

  private static Optional<MeshEvent.Denied> newest(MeshClient client) {
    return client.snapshot().lastDenials().stream().findFirst();
  }

  static String lastDenial(MeshClient client) {
    return newest(client).map(MeshEvent.Denied::reason).orElse("");
  }

  static void counts(MeshClient client, long full, long resumed) {
    await(() ->
        client.snapshot().fullHandshakes() + client.snapshot().resumedHandshakes()
            >= full + resumed);
    assertThat(client.snapshot().fullHandshakes())
        .as("full handshakes of " + client.service())
        .isEqualTo(full);
    assertThat(client.snapshot().resumedHandshakes())
        .as("resumed handshakes of " + client.service())
        .isEqualTo(resumed);
  }

  static void await(Callable<Boolean> condition) {
    Awaitility.await().atMost(HANG_GUARD).until(condition);
  }

  /** A new root, and new leaves of it for both services; the old root stays. */
  void rotate() {
    plane.rotateRoot();
    for (MeshClient client : new MeshClient[] {db, web}) {
      await(() ->
          client
              .identity()
              .chain()
              .get(0)
              .getIssuerX500Principal()
              .equals(plane.authority().root().getSubjectX500Principal()));
    }
  }

  void removeOldRoots() {
    long dbs = db.trustGeneration();
    long webs = web.trustGeneration();
    plane.removeOldRoots();
    await(() -> db.trustGeneration() > dbs && web.trustGeneration() > webs);
  }

  void deny(String source, String destination, MeshClient service) {
    plane.deny(source, destination);
    await(() -> !service.explain(source).isAllowed());
  }

  void undeny(String source, String destination, MeshClient service) {
    plane.remove(source, destination);
    await(() -> service.explain(source).isAllowed());
  }

  @Override
  public void close() {
    web.close();
    db.close();
    plane.close();
  }
}
