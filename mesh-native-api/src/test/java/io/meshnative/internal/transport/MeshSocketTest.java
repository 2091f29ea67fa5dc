package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.internal.transport.Pair.Setup;
import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MeshSocketTest {
  private static final String SOCKETS = "io.meshnative.internal.transport.Pair#withSockets";
  private static final String CLIENTS = "io.meshnative.internal.transport.Pair#clients";
  private static final InetSocketAddress NOWHERE =
      InetSocketAddress.createUnresolved("nowhere.invalid", 1);

  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    scheduler.shutdownNow();
    threads.shutdownNow();
    for (AutoCloseable resource : opened) {
      resource.close();
    }
  }

  /** A TLS server that echoes. */
  private SSLServerSocket echo() throws IOException {
    SSLServerSocket listener =
        (SSLServerSocket)
            Tls.context(Vendor.JSSE, true)
                .getServerSocketFactory()
                .createServerSocket(0, 5, InetAddress.getLoopbackAddress());
    opened.add(listener);
    listener.setNeedClientAuth(true);
    Thread thread =
        new Thread(() -> {
          try (Socket accepted = listener.accept()) {
            accepted.getInputStream().transferTo(accepted.getOutputStream());
          } catch (IOException e) {
            // The test is over.
          }
        });
    thread.setDaemon(true);
    thread.start();
    return listener;
  }

  private Connector to(ServerSocket listener, Vendor vendor, AtomicInteger timeout) {
    return (requested, millis, preparer) -> {
      timeout.set(millis);
      Deadline budget = Deadline.afterMillis(60_000);
      Socket raw =
          RawSockets.open(
              new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort()),
              budget,
              new HostNames(Runnable::run),
              preparer);
      TlsChannel channel =
          new TlsChannel(raw, Tls.engine(vendor, "TLSv1.3", true), "db", scheduler, () -> {});
      channel.handshake(budget);
      return channel;
    };
  }

  @ParameterizedTest
  @EnumSource(Vendor.class)
  void aDeferredSocketReachesItsDestinationWhateverAddressItIsGiven(Vendor vendor)
      throws Exception {
    AtomicInteger timeout = new AtomicInteger();
    SSLServerSocket listener = echo();
    try (MeshSocket socket = new MeshSocket(to(listener, vendor, timeout))) {
      AtomicInteger completed = new AtomicInteger();
      socket.addHandshakeCompletedListener(event -> completed.incrementAndGet());
      assertThat(socket.isConnected()).isFalse();
      socket.connect(NOWHERE, 1234);
      assertThat(timeout).hasValue(1234);
      assertThat(socket.isConnected()).isTrue();
      assertThat(socket.isBound()).isTrue();
      assertThat(socket.getPort()).isEqualTo(listener.getLocalPort());
      assertThat(socket.getInetAddress()).isEqualTo(listener.getInetAddress());
      assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
      assertThat(socket.getSession().getPeerCertificates()).hasSize(1);
      assertThat(socket.getApplicationProtocol()).isEmpty();
      assertThat(completed).hasValue(1);
      socket.startHandshake();
      assertThat(completed).hasValue(1);
      socket.getOutputStream().write(42);
      assertThat(socket.getInputStream().read()).isEqualTo(42);
      assertThatThrownBy(() -> socket.connect(NOWHERE, 1)).isInstanceOf(SocketException.class);
    }
  }

  @Test
  void optionsSetBeforeConnectAreAppliedToTheConnection() throws Exception {
    SSLServerSocket listener = echo();
    try (MeshSocket socket = new MeshSocket(to(listener, Vendor.JSSE, new AtomicInteger()))) {
      assertThat(socket.getTcpNoDelay()).isTrue();
      assertThat(socket.getKeepAlive()).isFalse();
      assertThat(socket.getReceiveBufferSize()).isPositive();
      socket.setSoTimeout(30);
      socket.setTcpNoDelay(false);
      socket.setKeepAlive(true);
      socket.setReceiveBufferSize(20_000);
      socket.setSendBufferSize(20_000);
      socket.setSoLinger(true, 7);
      socket.setReuseAddress(true);
      socket.setTrafficClass(8);
      assertThat(socket.getSoTimeout()).isEqualTo(30);
      assertThat(socket.getSoLinger()).isEqualTo(7);
      assertThat(socket.getOption(StandardSocketOptions.SO_KEEPALIVE)).isTrue();
      assertThat(socket.supportedOptions()).contains(StandardSocketOptions.TCP_NODELAY);
      socket.connect(NOWHERE);
      Socket raw = Objects.requireNonNull(socket.channel()).raw();
      assertThat(raw.getTcpNoDelay()).isFalse();
      assertThat(raw.getKeepAlive()).isTrue();
      assertThat(raw.getReceiveBufferSize()).isEqualTo(socket.getReceiveBufferSize());
      assertThat(raw.getReceiveBufferSize()).isLessThan(100_000);
      assertThat(raw.getSoLinger()).isEqualTo(7);
      assertThat(raw.getReuseAddress()).isTrue();
      assertThat(socket.getSoTimeout()).isEqualTo(30);
      assertThatThrownBy(() -> socket.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);
      socket.setOption(StandardSocketOptions.SO_KEEPALIVE, false);
      assertThat(raw.getKeepAlive()).isFalse();
      socket.setSoLinger(false, 0);
      assertThat(socket.getSoLinger()).isEqualTo(-1);
    }
  }

  @Test
  void beforeConnectThereIsAnEmptySessionAndNoIo() throws Exception {
    AtomicInteger connects = new AtomicInteger();
    try (MeshSocket socket =
        new MeshSocket((requested, millis, preparer) -> {
          connects.incrementAndGet();
          throw new IOException("unreachable");
        })) {
      assertThat(socket.getSession().getProtocol()).isEqualTo("NONE");
      assertThat(socket.getSession().getCipherSuite()).isEqualTo("SSL_NULL_WITH_NULL_NULL");
      assertThat(socket.getSession().isValid()).isFalse();
      assertThatThrownBy(() -> socket.getSession().getPeerCertificates())
          .isInstanceOf(SSLPeerUnverifiedException.class);
      assertThat(socket.getHandshakeSession()).isNull();
      assertThat(socket.getApplicationProtocol()).isNull();
      assertThat(socket.getInetAddress()).isNull();
      assertThat(socket.getPort()).isZero();
      assertThat(socket.getLocalPort()).isEqualTo(-1);
      assertThat(socket.getLocalAddress().isAnyLocalAddress()).isTrue();
      assertThat(socket.getRemoteSocketAddress()).isNull();
      assertThat(socket.getLocalSocketAddress()).isNull();
      assertThat(socket.getChannel()).isNull();
      assertThat(socket.isInputShutdown() || socket.isOutputShutdown()).isFalse();
      assertThatThrownBy(socket::getInputStream).hasMessage("Socket is not connected");
      assertThatThrownBy(socket::startHandshake).hasMessage("Socket is not connected");
      assertThat(connects).hasValue(0);
      assertThatThrownBy(() -> socket.connect(NOWHERE)).hasMessage("unreachable");
      assertThat(socket.isClosed()).isTrue();
      assertThatThrownBy(() -> socket.connect(NOWHERE)).isInstanceOf(SocketException.class);
      assertThat(connects).hasValue(1);
    }
  }

  @Test
  void closeEndsAConnectInProgress() throws Exception {
    CompletableFuture<Socket> raw = new CompletableFuture<>();
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      MeshSocket socket =
          new MeshSocket((requested, millis, preparer) ->
              to(silent, Vendor.JSSE, new AtomicInteger())
                  .connect(
                      requested,
                      millis,
                      made -> {
                        preparer.prepare(made);
                        raw.complete(made);
                      }));
      Future<?> connect =
          threads.submit(() -> {
            socket.connect(NOWHERE);
            return true;
          });
      Socket attempt = raw.get();
      await().until(attempt::isConnected);
      socket.close();
      assertThat(Pair.failure(connect)).isInstanceOf(SocketException.class);
      assertThat(attempt.isClosed()).isTrue();
    }
  }

  @Test
  void anAbortBeforeConnectIsTheReasonWhyConnectFails() throws Exception {
    IOException reason = new IOException("no longer allowed");
    MeshSocket socket =
        new MeshSocket((requested, millis, preparer) -> {
          throw new AssertionError("must not connect");
        });
    socket.abort(reason);
    assertThatThrownBy(() -> socket.connect(NOWHERE)).isSameAs(reason);
    assertThatThrownBy(socket::getInputStream).isSameAs(reason);
  }

  @Test
  void whatWasNarrowedBeforeConnectIsCheckedAgainstTheSession() throws Exception {
    try (MeshSocket socket = new MeshSocket(to(echo(), Vendor.JSSE, new AtomicInteger()))) {
      socket.setUseClientMode(true);
      socket.setEnabledProtocols(new String[] {"TLSv1.2"});
      assertThatThrownBy(() -> socket.connect(NOWHERE))
          .isInstanceOf(SSLHandshakeException.class)
          .hasMessageContaining("TLSv1.2")
          .hasMessageContaining("TLSv1.3");
      assertThat(socket.isClosed()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void theFirstReadOrWritePerformsTheHandshake(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      AtomicInteger completed = new AtomicInteger();
      pair.ours.addHandshakeCompletedListener(event -> completed.incrementAndGet());
      Future<?> echo = pair.run(() -> pair.peerOut().write(pair.peerIn().read()));
      assertThat(pair.ours.getApplicationProtocol()).isNull();
      pair.out().write(200);
      assertThat(pair.in().read()).isEqualTo(200);
      echo.get();
      assertThat(completed).hasValue(1);
      assertThat(pair.ours.getSession().getProtocol()).isEqualTo(setup.version());
      assertThat(pair.ours.getApplicationProtocol()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource(CLIENTS)
  void applicationProtocolsSetBeforeTheHandshakeAreNegotiated(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      SSLParameters ours = pair.ours.getSSLParameters();
      ours.setApplicationProtocols(new String[] {"h2", "http/1.1"});
      pair.ours.setSSLParameters(ours);
      SSLParameters theirs = pair.peer.getSSLParameters();
      theirs.setApplicationProtocols(new String[] {"h2"});
      pair.peer.setSSLParameters(theirs);
      pair.shakeHands();
      assertThat(pair.ours.getApplicationProtocol()).isEqualTo("h2");
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void settingsCanBeRepeatedOrNarrowedButNotWidened(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      SSLSocket socket = pair.ours;
      for (int round = 0; round < 2; round++) {
        socket.setUseClientMode(setup.client());
        socket.setEnabledProtocols(socket.getEnabledProtocols());
        socket.setEnabledCipherSuites(socket.getEnabledCipherSuites());
        socket.setSSLParameters(socket.getSSLParameters());
        socket.setNeedClientAuth(socket.getNeedClientAuth());
        socket.setEnableSessionCreation(true);
        assertThatThrownBy(() -> socket.setUseClientMode(!setup.client()))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> socket.setEnabledProtocols(new String[] {"TLSv1.1"}))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("TLSv1.1");
        assertThatThrownBy(
                () -> socket.setEnabledCipherSuites(new String[] {"TLS_RSA_WITH_NULL_SHA256"}))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> socket.setEnableSessionCreation(false))
            .isInstanceOf(UnsupportedOperationException.class);
        if (!setup.client()) {
          assertThatThrownBy(() -> socket.setNeedClientAuth(false))
              .isInstanceOf(UnsupportedOperationException.class);
          assertThatThrownBy(() -> socket.setWantClientAuth(true))
              .isInstanceOf(UnsupportedOperationException.class);
          assertThat(socket.getNeedClientAuth()).isTrue();
        }
        if (round == 0) {
          pair.shakeHands();
        }
      }
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closingAStreamClosesTheSocketAndUrgentDataIsRefused(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      assertThatThrownBy(() -> pair.ours.sendUrgentData(1)).isInstanceOf(SocketException.class);
      assertThat(pair.ours.toString()).contains("db");
      pair.in().close();
      assertThat(pair.ours.isClosed()).isTrue();
      assertThat(pair.ours.isConnected()).isTrue();
      assertThat(pair.ours.getPort()).isEqualTo(pair.rawOurs.getPort());
      assertThatThrownBy(() -> pair.ours.setSoTimeout(1)).isInstanceOf(SocketException.class);
      assertThat(pair.peerIn().read()).isEqualTo(-1);
      assertThat(pair.ours.getSession().getProtocol()).isEqualTo(setup.version());
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void shutdownInputEndsABlockedRead(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      Future<Integer> reader = pair.call(() -> pair.channel.read(new byte[1], 0, 1));
      pair.ours.shutdownInput();
      assertThat(reader.get()).isEqualTo(-1);
      assertThat(pair.ours.isInputShutdown()).isTrue();
      pair.out().write(1);
      assertThat(pair.peerIn().read()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aFailedHandshakeGivesAnEmptySessionAndIoTellsWhy(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      pair.rawPeer.close();
      assertThat(pair.ours.getSession().getCipherSuite()).isEqualTo("SSL_NULL_WITH_NULL_NULL");
      assertThatThrownBy(() -> pair.channel.read(new byte[1], 0, 1))
          .isInstanceOf(SSLHandshakeException.class)
          .hasMessageContaining("handshake");
    }
  }

  @Test
  void aChannelRefusesASocketThatIsNotConnected() {
    SSLEngine engine = Tls.engine(Vendor.JSSE, "TLSv1.3", true);
    assertThatThrownBy(() -> new TlsChannel(new Socket(), engine, "db", scheduler, () -> {}))
        .isInstanceOf(SocketException.class);
  }
}
