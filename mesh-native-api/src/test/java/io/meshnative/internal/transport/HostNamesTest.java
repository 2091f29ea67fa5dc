package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Name servers that answer late, never, or not to the point. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostNamesTest {
  private final ExecutorService threads =
      Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "names");
        thread.setDaemon(true);
        return thread;
      });
  private final CountDownLatch answers = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();

  /** Answers when the test lets it. */
  private final HostNames hanging =
      new HostNames(
          threads,
          name -> {
            asked.incrementAndGet();
            try {
              answers.await();
            } catch (InterruptedException e) {
              throw new UnknownHostException("interrupted");
            }
            return InetAddress.getByAddress(name, new byte[] {10, 0, 0, 1});
          });

  @AfterEach
  void stop() {
    answers.countDown();
    threads.shutdownNow();
  }

  private static InetSocketAddress named(String name) {
    return InetSocketAddress.createUnresolved(name, 7);
  }

  private static Deadline soon() {
    return Deadline.afterMillis(60_000);
  }

  @Test
  void aNameServerThatHangsExhaustsTheBudgetAndNotMore() {
    long start = System.nanoTime();
    assertThatThrownBy(() -> hanging.resolve(named("db.test"), Deadline.afterMillis(200)))
        .isInstanceOf(SocketTimeoutException.class)
        .hasMessageContaining("db.test")
        .hasMessageContaining("200 ms");
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(Duration.ofMillis(200));
  }

  @Test
  void allWhoWantOneNameWaitForOneAnswer() throws Exception {
    List<Future<InetSocketAddress>> waiting = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      waiting.add(threads.submit(() -> hanging.resolve(named("db.test"), soon())));
    }
    assertThatThrownBy(() -> hanging.resolve(named("db.test"), Deadline.afterMillis(50)))
        .isInstanceOf(SocketTimeoutException.class);
    assertThat(asked).hasValue(1);
    answers.countDown();
    for (Future<InetSocketAddress> one : waiting) {
      assertThat(one.get().getAddress().getHostAddress()).isEqualTo("10.0.0.1");
      assertThat(one.get().getPort()).isEqualTo(7);
    }
  }

  @Test
  void nothingIsKeptThatCouldGrowOld() throws Exception {
    answers.countDown();
    hanging.resolve(named("db.test"), soon());
    hanging.resolve(named("db.test"), soon());
    assertThat(asked).hasValue(2);
  }

  @Test
  void manyNamesThatHangAreRefusedBeforeTheyTakeAllThreads() {
    for (int i = 0; i < 64; i++) {
      String name = "db" + i + ".test";
      threads.submit(() -> hanging.resolve(named(name), soon()));
    }
    await().atMost(Duration.ofSeconds(60)).until(() -> asked.get() == 64);
    assertThatThrownBy(() -> hanging.resolve(named("one-more.test"), soon()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("64");
    assertThat(asked).hasValue(64);
  }

  @Test
  void closingWakesWhoeverWaits() throws Exception {
    Future<InetSocketAddress> waiting =
        threads.submit(() -> hanging.resolve(named("db.test"), soon()));
    await().atMost(Duration.ofSeconds(60)).until(() -> asked.get() == 1);
    hanging.close();
    assertThat(Pair.failure(waiting))
        .isInstanceOf(SocketException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(() -> hanging.resolve(named("other.test"), soon()))
        .isInstanceOf(SocketException.class);
  }

  @Test
  void anInterruptEndsTheWaitAndIsKept() throws Exception {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    AtomicReference<Boolean> kept = new AtomicReference<>();
    Thread waiting =
        new Thread(() -> {
          try {
            hanging.resolve(named("db.test"), soon());
          } catch (IOException e) {
            failure.set(e);
          }
          kept.set(Thread.interrupted());
        });
    waiting.start();
    await().atMost(Duration.ofSeconds(60)).until(() -> asked.get() == 1);
    waiting.interrupt();
    waiting.join();
    assertThat(failure.get()).isInstanceOf(InterruptedIOException.class);
    assertThat(kept.get()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "10.255.0.7", "::1", "fe80::1"})
  void anAddressNeedsNoNameServer(String address) throws Exception {
    assertThat(hanging.resolve(named(address), soon()).getAddress())
        .isEqualTo(InetAddress.getByName(address));
    assertThat(asked).hasValue(0);
  }

  @Test
  void aNameWithoutAddressIsReportedToEachOnAnExceptionOfItsOwn() throws Exception {
    HostNames none =
        new HostNames(
            threads,
            name -> {
              throw new UnknownHostException(name);
            });
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> none.resolve(named("db.test"), soon()))
          .isInstanceOf(UnknownHostException.class)
          .hasMessageContaining("db.test")
          .hasCauseInstanceOf(UnknownHostException.class);
    }
  }

  @Test
  void anExecutorThatTakesNothingFailsTheDialAndNotLaterOnes() throws Exception {
    AtomicReference<Boolean> stopped = new AtomicReference<>(true);
    HostNames names =
        new HostNames(task -> {
          if (stopped.get()) {
            throw new java.util.concurrent.RejectedExecutionException();
          }
          threads.execute(task);
        });
    assertThatThrownBy(() -> names.resolve(named("localhost"), soon()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("executor");
    stopped.set(false);
    assertThat(names.resolve(named("localhost"), soon()).getAddress().isLoopbackAddress()).isTrue();
  }
}
