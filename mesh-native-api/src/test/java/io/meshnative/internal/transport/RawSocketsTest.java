package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RawSocketsTest {
  private final ExecutorService threads =
      Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "names");
        thread.setDaemon(true);
        return thread;
      });
  private final HostNames names = new HostNames(threads);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void aConnectionIsOpenedWithoutNagleAndAfterThePreparerSawIt() throws Exception {
    List<Socket> seen = new ArrayList<>();
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket raw =
            RawSockets.open(
                InetSocketAddress.createUnresolved("localhost", listener.getLocalPort()),
                Deadline.afterMillis(10_000),
                names,
                made -> {
                  assertThat(made.isConnected()).isFalse();
                  seen.add(made);
                })) {
      assertThat(seen).containsExactly(raw);
      assertThat(raw.getTcpNoDelay()).isTrue();
      assertThat(raw.isConnected()).isTrue();
    }
  }

  @Test
  void aListenerThatDoesNotAnswerExhaustsTheBudgetEvenOfAnInterruptedThread() throws Exception {
    List<Socket> queued = new ArrayList<>();
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      InetSocketAddress address = new InetSocketAddress(full.getInetAddress(), full.getLocalPort());
      SocketTimeoutException late = null;
      Thread.currentThread().interrupt();
      long start = 0;
      for (int i = 0; i < 20 && late == null; i++) {
        start = System.nanoTime();
        try {
          queued.add(
              RawSockets.open(address, Deadline.afterMillis(300), names, SocketPreparer.NONE));
        } catch (SocketTimeoutException e) {
          late = e;
        }
      }
      assertThat(late).hasMessageContaining("300 ms").hasMessageContaining("127.0.0.1");
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertThat(Thread.interrupted()).isTrue();
    } finally {
      for (Socket socket : queued) {
        socket.close();
      }
    }
  }

  @Test
  void anAddressWhereNothingListensIsRefusedAndTheSocketClosed() throws Exception {
    int free;
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = listener.getLocalPort();
    }
    List<Socket> seen = new ArrayList<>();
    InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), free);
    assertThatThrownBy(() -> RawSockets.open(address, Deadline.afterMillis(5000), names, seen::add))
        .isInstanceOf(ConnectException.class);
    assertThat(seen).singleElement().matches(Socket::isClosed);
  }

  @Test
  void aPreparerThatThrowsEndsTheAttempt() {
    List<Socket> seen = new ArrayList<>();
    assertThatThrownBy(() ->
            RawSockets.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 1),
                Deadline.afterMillis(5000),
                names,
                raw -> {
                  seen.add(raw);
                  throw new IOException("no");
                }))
        .hasMessage("no");
    assertThat(seen).singleElement().matches(Socket::isClosed);
  }

  @Test
  void anUnknownNameIsReportedAsSuch() {
    assertThatThrownBy(() ->
            RawSockets.open(
                InetSocketAddress.createUnresolved("nowhere.invalid", 1),
                Deadline.afterMillis(5000),
                names,
                SocketPreparer.NONE))
        .isInstanceOf(UnknownHostException.class);
  }

  @Test
  void aDeadlineNeedsABudget() {
    assertThatThrownBy(() -> Deadline.afterMillis(0)).isInstanceOf(IllegalArgumentException.class);
  }
}
