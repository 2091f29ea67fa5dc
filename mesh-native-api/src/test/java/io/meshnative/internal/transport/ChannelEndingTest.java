package io.meshnative.internal.transport;

import static io.meshnative.internal.transport.ChannelDataTest.awaitStandstill;
import static io.meshnative.internal.transport.ChannelDataTest.writeSteps;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.IdentityExpiredException;
import io.meshnative.PeerRefusedException;
import io.meshnative.internal.transport.Pair.Setup;
import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChannelEndingTest {
  private static final String SOCKETS = "io.meshnative.internal.transport.Pair#withSockets";
  private static final String CLIENTS = "io.meshnative.internal.transport.Pair#clients";

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closeSendsCloseNotifyAndFreesTheEngine(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.out().write(new byte[] {1, 2});
      pair.ours.close();
      pair.ours.close();
      assertThat(pair.peerIn().readAllBytes()).containsExactly(1, 2);
      assertReleased(pair);
      assertThatThrownBy(() -> pair.channel.read(new byte[1], 0, 1))
          .isInstanceOf(SocketException.class)
          .hasMessage("Socket closed");
      assertThatThrownBy(() -> pair.channel.write(new byte[1], 0, 1))
          .isInstanceOf(SocketException.class)
          .hasMessage("Socket closed");
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closeFromAnotherThreadWakesABlockedReader(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      Future<Integer> reader = pair.call(() -> pair.in().read());
      awaitReader(pair);
      pair.ours.close();
      assertThat(Pair.failure(reader)).isInstanceOf(SocketException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closeEndsThoughAWriterIsBlockedByAPeerThatDoesNotRead(Setup setup) throws Exception {
    AtomicInteger progress = new AtomicInteger();
    try (Pair pair = Pair.connected(setup)) {
      Future<?> writer =
          pair.run(() -> writeSteps(pair.out(), new byte[64_000_000], progress, () -> {}));
      Future<Integer> reader = pair.call(() -> pair.in().read());
      awaitStandstill(progress);
      pair.ours.close();
      assertThat(Pair.failure(writer)).isInstanceOf(SocketException.class);
      assertThat(Pair.failure(reader)).isInstanceOf(SocketException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closeEndsThoughCloseNotifyDoesNotFitIntoAFullSendBuffer(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      AtomicBoolean full = new AtomicBoolean();
      fillRawly(pair, full);
      pair.ours.close();
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void abortResetsThePeerAndShowsItsReasonToEverybody(Setup setup) throws Exception {
    AtomicInteger progress = new AtomicInteger();
    IOException reason = new IdentityExpiredException("our identity ended", Instant.EPOCH);
    try (Pair pair = Pair.connected(setup)) {
      Future<?> writer =
          pair.run(() -> writeSteps(pair.out(), new byte[64_000_000], progress, () -> {}));
      Future<Integer> reader = pair.call(() -> pair.in().read());
      awaitStandstill(progress);
      pair.ours.abort(reason);
      assertThat(isOrIsCausedBy(Pair.failure(writer), reason)).isTrue();
      assertThat(isOrIsCausedBy(Pair.failure(reader), reason)).isTrue();
      assertThat(isOrIsCausedBy(catchThrowable(() -> pair.in().read()), reason)).isTrue();
      assertThat(isOrIsCausedBy(catchThrowable(() -> pair.out().write(1)), reason)).isTrue();
      assertThat(isOrIsCausedBy(catchThrowable(pair.ours::shutdownOutput), reason)).isTrue();
      assertThatThrownBy(() -> pair.peerIn().transferTo(OutputStream.nullOutputStream()))
          .hasStackTraceContaining("reset");
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aSingleThreadGetsTheReasonOfAnAbortItselfEachTime(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      IOException expired = new IdentityExpiredException("x", Instant.EPOCH);
      pair.ours.abort(expired);
      pair.ours.abort(new IOException("later"));
      pair.ours.close();
      assertThatThrownBy(() -> pair.channel.read(new byte[1], 0, 1)).isSameAs(expired);
      assertThatThrownBy(() -> pair.channel.write(new byte[1], 0, 1)).isSameAs(expired);
      Future<?> elsewhere = pair.run(() -> pair.channel.write(new byte[1], 0, 1));
      assertThat(Pair.failure(elsewhere)).isExactlyInstanceOf(IOException.class).hasCause(expired);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void anEndWithoutCloseNotifyIsTruncation(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.peerOut().write(new byte[] {1, 2, 3});
      pair.rawPeer.shutdownOutput();
      assertThat(pair.in().readNBytes(3)).containsExactly(1, 2, 3);
      assertThatThrownBy(() -> pair.in().read())
          .isInstanceOf(SSLException.class)
          .hasMessageContaining("truncated");
      assertThatThrownBy(() -> pair.channel.read(new byte[1], 0, 1))
          .hasMessageContaining("truncated");
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void anEndInMidRecordIsTruncation(Setup setup) throws Exception {
    try (Pair pair = Pair.relayed(setup)) {
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
      pair.relay().meter();
      pair.relay().let(20);
      pair.peerOut().write(new byte[5000]);
      Future<Integer> reader = pair.call(() -> pair.in().read());
      awaitReader(pair);
      pair.relay().close();
      assertThat(Pair.failure(reader)).isInstanceOf(IOException.class);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aTamperedRecordEndsTheChannelWithATextWithoutPointers(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
      byte[] forged = new byte[105];
      forged[0] = 23;
      forged[1] = 3;
      forged[2] = 3;
      forged[4] = 100;
      pair.rawPeer.getOutputStream().write(forged);
      assertThatThrownBy(() -> pair.in().read())
          .isInstanceOf(SSLException.class)
          .isNotInstanceOf(PeerRefusedException.class)
          .message()
          .doesNotContain("0x");
      assertThat(pair.ours.isClosed()).isTrue();
      assertThatThrownBy(() -> pair.peerIn().read()).isInstanceOf(SSLException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(CLIENTS)
  void aServerThatRefusesOurCertificateIsReportedAsSuch(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup, false, false)) {
      Future<?> theirs = pair.run(pair.peer::startHandshake);
      assertThatThrownBy(
              () -> {
                pair.ours.startHandshake();
                pair.in().read();
              })
          .isInstanceOf(PeerRefusedException.class)
          .hasMessageContaining("db refused our certificate")
          .hasMessageContaining("alert certificate_unknown")
          .hasMessageContaining("intentions")
          .message()
          .doesNotContain("0x");
      assertThat(Pair.failure(theirs)).isInstanceOf(SSLHandshakeException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource("io.meshnative.internal.transport.Pair#clientsTls13")
  void theRefusalIsFoundByAWriteToo(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup, false, false)) {
      Future<?> theirs = pair.run(pair.peer::startHandshake);
      pair.ours.startHandshake();
      Pair.failure(theirs);
      assertThatThrownBy(
              () -> {
                while (true) {
                  pair.out().write(new byte[1000]);
                }
              })
          .isInstanceOf(PeerRefusedException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(CLIENTS)
  void aResetBeforeAnyAnswerIsARefusalAndLaterIsNot(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.rawPeer.setSoLinger(true, 0);
      pair.rawPeer.close();
      assertThatThrownBy(() -> pair.in().read())
          .isInstanceOf(PeerRefusedException.class)
          .hasMessageContaining("reset")
          .hasMessageContaining("db");
    }
    try (Pair pair = Pair.connected(setup)) {
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
      pair.rawPeer.setSoLinger(true, 0);
      pair.rawPeer.close();
      assertThatThrownBy(() -> pair.in().read())
          .isInstanceOf(SocketException.class)
          .isNotInstanceOf(PeerRefusedException.class);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void whenWeRefuseThePeerLearnsItByAnAlert(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      TlsChannel refusing =
          new TlsChannel(
              pair.rawOurs,
              Tls.engine(setup.ours(), setup.version(), setup.client(), false),
              "db",
              pair.scheduler,
              pair.closings::incrementAndGet);
      Future<?> theirs =
          pair.run(() -> {
            pair.peer.startHandshake();
            pair.peerIn().read();
          });
      assertThatThrownBy(() -> refusing.handshake(Deadline.afterMillis(60_000)))
          .isInstanceOf(SSLHandshakeException.class)
          .hasStackTraceContaining("nobody is trusted here");
      assertThat(Pair.failure(theirs)).hasMessageContaining("certificate_unknown");
      assertThat(pair.closings).hasValue(1);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aSilentPeerExhaustsTheBudgetOfTheHandshakeAndNotLess(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      long start = System.nanoTime();
      assertThatThrownBy(() -> pair.channel.handshake(Deadline.afterMillis(300)))
          .isInstanceOf(SocketTimeoutException.class)
          .hasMessageContaining("db")
          .hasMessageContaining("300 ms");
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(300));
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aPeerThatDripsItsHandshakeExhaustsTheSameBudget(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup, true, true)) {
      pair.relay().meter();
      pair.background(pair.peer::startHandshake);
      pair.background(() -> {
        for (int i = 0; i < 2_000; i++) {
          pair.relay().let(1);
          Thread.sleep(20);
        }
      });
      assertThatThrownBy(() -> pair.channel.handshake(Deadline.afterMillis(300)))
          .isInstanceOf(SocketTimeoutException.class);
      assertReleased(pair);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void closeWakesAHandshakeThatWaits(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup)) {
      Future<?> handshake = pair.run(() -> pair.channel.handshake(Deadline.afterMillis(60_000)));
      awaitReader(pair);
      pair.ours.close();
      assertThat(Pair.failure(handshake)).isInstanceOf(SocketException.class);
      assertReleased(pair);
    }
  }

  @Test
  void abortReturnsThoughTheEngineIsBusyAndTheEngineIsFreedAfterwards() throws Exception {
    Setup setup = new Setup(Vendor.CONSCRYPT, null, "TLSv1.3", true);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    try (Pair pair = new Pair(setup)) {
      SSLEngine busy =
          Tls.context(
                  Vendor.CONSCRYPT,
                  () -> {
                    entered.countDown();
                    try {
                      leave.await();
                    } catch (InterruptedException e) {
                      throw new CertificateException(e);
                    }
                  })
              .createSSLEngine();
      busy.setUseClientMode(true);
      TlsChannel channel = new TlsChannel(pair.rawOurs, busy, "db", pair.scheduler, () -> {});
      pair.background(pair.peer::startHandshake);
      Future<?> handshake = pair.run(() -> channel.handshake(Deadline.afterMillis(60_000)));
      entered.await();
      IOException reason = new IOException("withdrawn");
      channel.abort(reason);
      leave.countDown();
      assertThat(Pair.failure(handshake)).isSameAs(reason);
      assertFreed(busy);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void anInterruptedPlatformThreadGoesOnAndStaysInterrupted(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      Future<Boolean> reader =
          pair.call(() -> {
            Thread.currentThread().interrupt();
            int first = pair.in().read();
            pair.out().write(first);
            return Thread.interrupted();
          });
      pair.peerOut().write(3);
      assertThat(pair.peerIn().read()).isEqualTo(3);
      assertThat(reader.get()).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void anInterruptedVirtualThreadEndsTheChannelForEverybody(Setup setup) throws Exception {
    assumeTrue(Runtime.version().feature() >= 21, "virtual threads came with JDK 21");
    try (Pair pair = Pair.connected(setup)) {
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread reader =
          (Thread)
              Thread.class
                  .getMethod("startVirtualThread", Runnable.class)
                  .invoke(
                      null, (Runnable) () -> failure.set(catchThrowable(() -> pair.in().read())));
      awaitReader(pair);
      reader.interrupt();
      reader.join();
      assertThat(failure.get())
          .isInstanceOf(SocketException.class)
          .isNotInstanceOf(PeerRefusedException.class);
      assertThatThrownBy(() -> pair.out().write(1)).isInstanceOf(IOException.class);
      assertReleased(pair);
    }
  }

  /** Blocks the raw output without the channel's lock, as a peer that stopped reading would. */
  private static void fillRawly(Pair pair, AtomicBoolean full) throws Exception {
    AtomicInteger progress = new AtomicInteger();
    pair.background(() -> {
      try {
        while (!full.get()) {
          pair.rawOurs.getOutputStream().write(new byte[50_000]);
          progress.incrementAndGet();
        }
      } finally {
        full.set(true);
      }
    });
    awaitStandstill(progress);
  }

  /**
   * Waits until somebody holds the read lock; whether he is in the raw read yet does not matter.
   */
  private static void awaitReader(Pair pair) throws Exception {
    Field lock = TlsChannel.class.getDeclaredField("readLock");
    lock.setAccessible(true);
    ReentrantLock held = (ReentrantLock) lock.get(pair.channel);
    await().until(held::isLocked);
  }

  private static void assertReleased(Pair pair) throws Exception {
    assertThat(pair.ours.isClosed()).isTrue();
    await().untilAsserted(() -> assertThat(pair.closings).hasValue(1));
    assertThat(pair.rawOurs.isClosed()).isTrue();
    assertFreed(pair.engine);
  }

  static void assertFreed(SSLEngine engine) throws Exception {
    assertThat(engine.isInboundDone()).isTrue();
    assertThat(engine.isOutboundDone()).isTrue();
    if (engine.getClass().getName().contains("conscrypt")) {
      Object ssl = field(field(engine, "delegate"), "ssl");
      Method closed = ssl.getClass().getDeclaredMethod("isClosed");
      closed.setAccessible(true);
      assertThat(closed.invoke(ssl)).as("native engine is freed").isEqualTo(true);
    }
  }

  private static Object field(Object owner, String name) throws Exception {
    Field field = owner.getClass().getDeclaredField(name);
    field.setAccessible(true);
    return field.get(owner);
  }

  static boolean isOrIsCausedBy(@Nullable Throwable failure, IOException reason) {
    return Stream.iterate(failure, Objects::nonNull, Throwable::getCause).anyMatch(reason::equals);
  }
}
