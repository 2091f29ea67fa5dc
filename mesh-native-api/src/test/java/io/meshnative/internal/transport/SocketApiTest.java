package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.internal.transport.Pair.Setup;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.HandshakeCompletedEvent;
import javax.net.ssl.HandshakeCompletedListener;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code SSLSocket} promises besides moving bytes. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SocketApiTest {
  private static final String SOCKETS = "io.meshnative.internal.transport.Pair#withSockets";
  private static final InetSocketAddress NOWHERE =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  /**
   * JSSE tells them on a thread of its own, when the socket is in use already; we tell them before
   * the first byte, on the thread that did the handshake.
   */
  @ParameterizedTest
  @MethodSource(SOCKETS)
  void handshakeListenersAreToldOnceBeforeTheFirstByte(Setup setup) throws Exception {
    ConcurrentLinkedQueue<String> told = new ConcurrentLinkedQueue<>();
    AtomicReference<HandshakeCompletedEvent> event = new AtomicReference<>();
    try (Pair pair = new Pair(setup)) {
      HandshakeCompletedListener removed = e -> told.add("removed");
      pair.ours.addHandshakeCompletedListener(removed);
      pair.ours.addHandshakeCompletedListener(e -> {
        told.add("first");
        throw new IllegalStateException("a listener of the application fails");
      });
      pair.ours.addHandshakeCompletedListener(e -> {
        event.set(e);
        told.add(Thread.currentThread().getName());
      });
      pair.ours.removeHandshakeCompletedListener(removed);
      pair.background(() -> {
        pair.peer.startHandshake();
        pair.peerOut().write(5);
      });

      assertThat(pair.in().read()).isEqualTo(5);

      assertThat(told).containsExactly("first", Thread.currentThread().getName());
      assertThat(event.get().getSocket()).isSameAs(pair.ours);
      assertThat(event.get().getSession()).isSameAs(pair.ours.getSession());
      assertThat(event.get().getCipherSuite()).isEqualTo(pair.ours.getSession().getCipherSuite());
      assertThat(event.get().getPeerCertificates()).hasSize(1);
      pair.ours.startHandshake();
      assertThat(told).as("there is one handshake only").hasSize(2);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void theSessionOfAHandshakeUnderWayIsThereOnlyThen(Setup setup) throws Exception {
    AtomicReference<Supplier<SSLSession>> ask = new AtomicReference<>();
    AtomicReference<SSLSession> during = new AtomicReference<>();
    SSLContext context = Tls.context(setup.ours(), () -> during.set(ask.get().get()));
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(setup.client());
    engine.setEnabledProtocols(new String[] {setup.version()});
    engine.setNeedClientAuth(!setup.client());
    try (Pair pair = new Pair(setup)) {
      MeshSocket socket =
          new MeshSocket(new TlsChannel(pair.rawOurs, engine, "db", pair.scheduler, () -> {}));
      ask.set(socket::getHandshakeSession);
      assertThat(socket.getHandshakeSession()).isNull();
      assertThat(socket.getApplicationProtocol()).isNull();
      Future<?> theirs = pair.run(pair.peer::startHandshake);
      socket.startHandshake();
      theirs.get();
      assertThat(during.get()).as("the session that the trust manager saw").isNotNull();
      assertThat(socket.getHandshakeSession()).isNull();
      assertThat(socket.getApplicationProtocol()).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void parametersThatWereReadCanBeSetAgainBeforeAndAfterTheHandshake(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      SSLParameters early = pair.ours.getSSLParameters();
      early.setEndpointIdentificationAlgorithm("HTTPS"); // HTTP clients do, and mean no harm
      pair.ours.setSSLParameters(early);
      pair.shakeHands();
      pair.ours.setSSLParameters(pair.ours.getSSLParameters());
      assertThat(pair.ours.getSSLParameters().getEndpointIdentificationAlgorithm()).isNull();
      assertThat(pair.ours.getEnabledProtocols()).containsExactly(setup.version());
      assertThatThrownBy(() -> pair.ours.setUseClientMode(!setup.client()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> pair.ours.connect(NOWHERE, 1)).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> pair.ours.connect(NOWHERE, -1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  /** As with a plain socket: no call connects it any more, and none asks the connector. */
  @Test
  void aSocketThatWasClosedBeforeItConnectedStaysClosed() throws Exception {
    List<Socket> both = new ArrayList<>();
    both.add(new Socket());
    both.add(
        new MeshSocket((requested, millis, preparer) -> {
          throw new AssertionError("must not connect");
        }));
    for (Socket socket : both) {
      socket.close();
      socket.close();
      assertThat(socket.isClosed()).isTrue();
      assertThat(socket.isConnected()).isFalse();
      assertThatThrownBy(() -> socket.connect(NOWHERE, 10))
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("losed");
      assertThatThrownBy(socket::getInputStream).isInstanceOf(SocketException.class);
      assertThatThrownBy(socket::getOutputStream).isInstanceOf(SocketException.class);
      assertThatThrownBy(socket::shutdownOutput).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> socket.setSoTimeout(1)).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> socket.setSoLinger(true, 1)).isInstanceOf(SocketException.class);
      assertThatThrownBy(() -> socket.bind(null)).isInstanceOf(SocketException.class);
      assertThat(socket.getRemoteSocketAddress()).isNull();
    }
  }

  @Test
  void aTimeoutBelowZeroIsRefusedBeforeAnythingHappens() {
    try (MeshSocket socket =
        new MeshSocket((requested, millis, preparer) -> {
          throw new AssertionError("must not connect");
        })) {
      assertThatThrownBy(() -> socket.connect(NOWHERE, -1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> socket.setSoTimeout(-1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(socket.isClosed()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void toStringTellsTheStateAndThePeerAndNothingElse(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      String direction = setup.client() ? "to" : "from";
      String ends = direction + " db at " + pair.rawOurs.getRemoteSocketAddress() + "]";
      assertThat(pair.ours.toString()).isEqualTo("MeshSocket[connected, " + ends);
      pair.ours.close();
      assertThat(pair.ours.toString()).isEqualTo("MeshSocket[closed, " + ends);
    }
    try (MeshSocket deferred =
        new MeshSocket((requested, millis, preparer) -> {
          throw new AssertionError("must not connect");
        })) {
      assertThat(deferred.toString()).isEqualTo("MeshSocket[not connected]");
    }
  }
}
