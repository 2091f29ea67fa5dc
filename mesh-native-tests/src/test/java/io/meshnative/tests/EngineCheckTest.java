package io.meshnative.tests;

import static io.meshnative.tests.TlsWorld.DB;
import static io.meshnative.tests.TlsWorld.HANG_GUARD;
import static io.meshnative.tests.TlsWorld.counts;
import static io.meshnative.tests.TlsWorld.ping;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.Lease;
import io.meshnative.ListenOptions;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The check after the handshake, in the engine itself: before it, at it, after a cut, and under
 * threads.
 */
class EngineCheckTest {
  private static final int STEPS = 500;

  static Stream<Arguments> cells() {
    return Stream.of(Tls.values())
        .flatMap(tls -> Stream.of("TLSv1.3", "TLSv1.2").map(version -> Arguments.of(tls, version)));
  }

  /** Two engines and the wire between them. */
  private static final class Wire {
    final SSLEngine client;
    final SSLEngine server;
    private final ByteBuffer toServer = ByteBuffer.allocate(1 << 18).flip();
    private final ByteBuffer toClient = ByteBuffer.allocate(1 << 18).flip();

    Wire(SSLEngine client, SSLEngine server) {
      this.client = client;
      this.server = server;
    }

    static Wire of(TlsWorld world, String version) {
      SSLEngine client = world.web.clientContext(DB).createSSLEngine();
      client.setEnabledProtocols(new String[] {version});
      return new Wire(client, world.db.serverContext().createSSLEngine());
    }

    void handshake(Runnable each) throws SSLException {
      client.beginHandshake();
      server.beginHandshake();
      for (int step = 0; step < STEPS; step++) {
        step(client, toServer, toClient);
        each.run();
        step(server, toClient, toServer);
        each.run();
        if (idle(client) && idle(server) && !toServer.hasRemaining() && !toClient.hasRemaining()) {
          return;
        }
      }
      throw new SSLException("no handshake in " + STEPS + " steps");
    }

    /** The server begins again; the client is only driven. */
    void handshakeAgain() throws SSLException {
      server.beginHandshake();
      for (int step = 0; step < STEPS; step++) {
        step(server, toClient, toServer);
        step(client, toServer, toClient);
      }
    }

    private static boolean idle(SSLEngine engine) {
      return engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING;
    }

    private static void step(SSLEngine engine, ByteBuffer out, ByteBuffer in) throws SSLException {
      tasks(engine);
      if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
        put(engine, ByteBuffer.allocate(0), out);
      } else if (in.hasRemaining()) {
        ByteBuffer plain = ByteBuffer.allocate(1 << 16);
        engine.unwrap(in, plain);
        assertThat(plain.position()).isZero();
      }
      tasks(engine);
    }

    static void tasks(SSLEngine engine) {
      for (Runnable task = engine.getDelegatedTask();
          task != null;
          task = engine.getDelegatedTask()) {
        Background.run(task).join(); // in another thread, as servers do it
      }
    }

    static SSLEngineResult put(SSLEngine engine, ByteBuffer plain, ByteBuffer out)
        throws SSLException {
      out.compact();
      try {
        return engine.wrap(plain, out);
      } finally {
        out.flip();
      }
    }
  }

  private static void showsNobody(MeshClient owner, SSLEngine engine) throws IOException {
    try {
      owner.peer(engine.getSession());
      return; // the check has passed
    } catch (IllegalArgumentException e) {
      // not yet: it shows nobody
    }
    for (SSLSession session :
        new SSLSession[] {engine.getSession(), engine.getHandshakeSession()}) {
      if (session != null) {
        assertThatThrownBy(session::getPeerCertificates)
            .isInstanceOf(SSLPeerUnverifiedException.class);
        assertThatThrownBy(session::getPeerPrincipal)
            .isInstanceOf(SSLPeerUnverifiedException.class);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
  @Tag("P1")
  void noSessionShowsAPeerBeforeTheCheckHasPassed(Tls tls, String version) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty())) {
      Wire wire = Wire.of(world, version);
      assertThatThrownBy(() -> world.db.peer(wire.server.getSession()))
          .isInstanceOf(IllegalArgumentException.class);
      AtomicInteger looks = new AtomicInteger();
      wire.handshake(() -> {
        try {
          showsNobody(world.web, wire.client);
          showsNobody(world.db, wire.server);
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(e);
        }
        looks.incrementAndGet();
      });
      assertThat(looks.get()).isGreaterThan(4);
      assertThat(wire.server.getSession().getPeerCertificates()).isNotEmpty();
      assertThat(world.db.peer(wire.server.getSession()).id().path()).endsWith("/svc/web");
      world.web.verifyPeer(wire.client.getSession(), DB);
      assertThatThrownBy(() -> world.web.verifyPeer(wire.client.getSession(), TlsWorld.API))
          .isInstanceOf(PeerIdentityException.class);
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
  void aCutEngineNeitherWrapsNorUnwrapsEvenWhenTheRightComesBack(Tls tls, String version)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty())) {
      Wire wire = Wire.of(world, version);
      wire.handshake(() -> {});
      ByteBuffer record = ByteBuffer.allocate(1 << 15);
      wire.client.wrap(
          ByteBuffer.wrap("secret".getBytes(java.nio.charset.StandardCharsets.US_ASCII)), record);
      SSLEngine server = wire.server;
      world.deny("web", "db", world.db);
      Awaitility.await()
          .atMost(HANG_GUARD)
          .until(() -> world.db.snapshot().connections().isEmpty());
      world.undeny("web", "db", world.db); // what was cut stays cut

      ByteBuffer plain = ByteBuffer.allocate(1 << 15);
      record.flip();
      assertThatThrownBy(() -> server.unwrap(record, plain))
          .isInstanceOf(SSLException.class)
          .hasCauseInstanceOf(MeshAuthorizationException.class);
      assertThatThrownBy(
              () -> server.wrap(ByteBuffer.wrap(new byte[] {1}), ByteBuffer.allocate(1 << 15)))
          .isInstanceOf(SSLException.class)
          .hasCauseInstanceOf(MeshAuthorizationException.class);
      assertThatThrownBy(server::beginHandshake).isInstanceOf(SSLException.class);
      assertThat(plain.position()).isZero();
      assertThat(record.remaining()).as("nothing was even read").isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
  @Tag("T43")
  @Tag("P1")
  void anEngineWhosePeerIsDeniedBetweenHandshakeAndCheckReleasesNothing(Tls tls, String version)
      throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty())) {
      AtomicBoolean letThrough = new AtomicBoolean(true);
      AtomicInteger asked = new AtomicInteger();
      try (Echo echo =
          new Echo(
              world.db.listen(
                  new InetSocketAddress("127.0.0.1", 0),
                  ListenOptions.defaults()
                      .withAuthorizer((peer, decision) -> {
                        asked.incrementAndGet();
                        if (!letThrough.get()) {
                          throw new StackOverflowError("an authorizer that fails by an Error");
                        }
                        return true;
                      })))) {
        ping(world.web, DB, echo.port(), version);
        assertThat(asked.get()).isPositive();
        letThrough.set(false);
        assertThatThrownBy(() -> ping(world.web, DB, echo.port(), version))
            .isInstanceOf(IOException.class);
        TlsWorld.await(
            () -> TlsWorld.lastDenial(world.db).contains("check after the handshake failed"));
        assertThat(echo.bytes()).isEqualTo(1);
        counts(world.db, 1, 0);
      }
    }
  }

  /**
   * One thread reads, one writes, from the first byte on, as event loops with a writer of their own
   * do.
   */
  @ParameterizedTest
  @MethodSource("cells")
  void twoThreadsOnOneEngineMakeOneCheckAndOneConnection(Tls tls, String version) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try (TlsWorld world = new TlsWorld(tls, Optional.of(false))) {
      List<Wire> open = new ArrayList<>(); // an engine that is collected leaves the registry
      for (int round = 1; round <= 25; round++) {
        Wire wire = Wire.of(world, version);
        open.add(wire);
        race(wire, threads);
        counts(world.db, round, 0);
        assertThat(world.db.snapshot().connections()).hasSize(round);
      }
      assertThat(open).hasSize(25);
    } finally {
      threads.shutdownNow();
    }
  }

  private static void race(Wire wire, ExecutorService threads) throws Exception {
    wire.client.beginHandshake();
    wire.server.beginHandshake();
    Object wireLock = new Object();
    AtomicBoolean served = new AtomicBoolean();
    AtomicBoolean heard = new AtomicBoolean();
    AtomicBoolean stop = new AtomicBoolean();
    CompletableFuture<Void> writer =
        CompletableFuture.runAsync(
            () -> {
              ByteBuffer out = ByteBuffer.allocate(1 << 16);
              ByteBuffer data = ByteBuffer.wrap(new byte[] {'!'});
              try {
                while (!served.get() && !stop.get()) {
                  HandshakeStatus status = wire.server.getHandshakeStatus();
                  if (status == HandshakeStatus.NEED_WRAP
                      || status == HandshakeStatus.NOT_HANDSHAKING) {
                    synchronized (
                        wireLock) { // records reach the wire in the order in which they were made
                      wire.server.wrap(data, out.clear());
                      wire.toClient.compact().put(out.flip()).flip();
                    }
                    served.set(!data.hasRemaining());
                  }
                  Thread.onSpinWait();
                }
              } catch (SSLException e) {
                throw new java.io.UncheckedIOException(e);
              }
            },
            threads);
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(
            () -> {
              ByteBuffer plain = ByteBuffer.allocate(1 << 16);
              try {
                while (!(served.get() && heard.get()) && !stop.get()) {
                  Wire.tasks(wire.client);
                  if (wire.client.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
                    Wire.put(wire.client, ByteBuffer.allocate(0), wire.toServer);
                  }
                  synchronized (wireLock) {
                    if (wire.toClient.hasRemaining()) {
                      wire.client.unwrap(wire.toClient, plain);
                      heard.compareAndSet(false, plain.position() > 0);
                    }
                  }
                  Wire.tasks(wire.server);
                  if (wire.toServer.hasRemaining()) {
                    wire.server.unwrap(wire.toServer, ByteBuffer.allocate(1 << 16));
                  }
                }
              } catch (SSLException e) {
                throw new java.io.UncheckedIOException(e);
              }
            },
            threads);
    try {
      CompletableFuture.allOf(writer, reader).get(HANG_GUARD.toSeconds(), TimeUnit.SECONDS);
    } finally {
      stop.set(true);
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void aFullExecutorSavesNoConnectionFromADeny(Tls tls) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty())) {
      AtomicBoolean full = new AtomicBoolean();
      ExecutorService pool = Executors.newCachedThreadPool();
      Executor executor =
          task -> {
            if (full.get()) {
              throw new RejectedExecutionException("full");
            }
            pool.execute(task);
          };
      try (MeshClient api =
          world.embedded.client("api").tlsProvider(tls.provider()).executor(executor).build()) {
        api.awaitReady(HANG_GUARD);
        Wire[] wires = new Wire[3];
        List<Lease> leases = new ArrayList<>();
        AtomicInteger told = new AtomicInteger();
        for (int i = 0; i < wires.length; i++) {
          SSLEngine client = world.web.clientContext(TlsWorld.API).createSSLEngine();
          wires[i] = new Wire(client, api.serverContext().createSSLEngine());
          wires[i].handshake(() -> {});
          leases.add(api.track(wires[i].server.getSession(), withdrawal -> told.incrementAndGet()));
        }
        full.set(true);
        world.deny("web", "api", api);
        Awaitility.await().atMost(HANG_GUARD).until(() -> told.get() == wires.length);
        for (Wire wire : wires) {
          assertThatThrownBy(() ->
                  wire.server.wrap(ByteBuffer.wrap(new byte[1]), ByteBuffer.allocate(1 << 15)))
              .isInstanceOf(SSLException.class);
        }
        assertThat(api.snapshot().connections()).isEmpty();
        leases.forEach(Lease::close);
      } finally {
        full.set(false);
        pool.shutdownNow();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void whomWeCallIsNoCallerOfOurs(Tls tls) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty());
        Echo echo =
            new Echo(
                world.db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()))) {
      java.net.Socket raw = new java.net.Socket("127.0.0.1", echo.port());
      try (SSLSocket socket =
          (SSLSocket)
              world.web.sslSocketFactory(DB).createSocket(raw, "127.0.0.1", echo.port(), true)) {
        Echo.ping(socket);
        X509Certificate dbs = (X509Certificate) socket.getSession().getPeerCertificates()[0];
        assertThatThrownBy(() -> world.web.peer(dbs)).isInstanceOf(IllegalArgumentException.class);
        X509Certificate webs = (X509Certificate) socket.getSession().getLocalCertificates()[0];
        assertThat(world.db.peer(webs).id().path()).endsWith("/svc/web");
      }
    }
  }

  /** The socket looks at record types; a bare engine has to notice by itself. */
  @ParameterizedTest
  @EnumSource(Tls.class)
  void aBareClientEngineRefusesAServerThatRenegotiates(Tls tls) throws Exception {
    try (TlsWorld world = new TlsWorld(tls, Optional.empty())) {
      RawPeer db = RawPeer.of(Tls.JSSE.security(), world.plane.caIssue("db"));
      SSLEngine client = world.web.clientContext(DB).createSSLEngine();
      client.setEnabledProtocols(new String[] {"TLSv1.2"});
      Wire wire = new Wire(client, db.serverEngine());
      wire.handshake(() -> {});
      db.present(world.plane.caIssue("api"));
      wire.server.getSession().invalidate();
      assertThatThrownBy(() -> wire.handshakeAgain())
          .isInstanceOf(SSLException.class)
          .hasMessageContaining("renegotiation");
      assertThat(db.fullHandshakes()).isEqualTo(1);
    }
  }
}
