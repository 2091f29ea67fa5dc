package io.meshnative.internal.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.internal.transport.Pair.Setup;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChannelDataTest {
  private static final String ALL = "io.meshnative.internal.transport.Pair#all";
  private static final String SOCKETS = "io.meshnative.internal.transport.Pair#withSockets";

  @ParameterizedTest
  @MethodSource(ALL)
  void dataOfAnySizeInAnyChunksComesBackUnchanged(Setup setup) throws Exception {
    Random random = new Random(7);
    try (Pair pair = Pair.connected(setup)) {
      pair.background(() -> pair.peerIn().transferTo(pair.peerOut()));
      for (int size : new int[] {1, 2, 255, 16_383, 16_384, 16_385, 70_000, 5_000_000}) {
        byte[] sent = bytes(random, size);
        Future<?> writer = pair.run(() -> writeInChunks(pair.out(), sent, new Random(size)));
        assertThat(readInChunks(pair.in(), size, random)).isEqualTo(sent);
        writer.get();
      }
    }
  }

  @ParameterizedTest
  @MethodSource(ALL)
  void aPeerThatDripsByteByByteIsUnderstood(Setup setup) throws Exception {
    try (Pair pair = new Pair(setup, true, true)) {
      pair.relay().drip();
      pair.shakeHands();
      byte[] sent = bytes(new Random(1), 3000);
      pair.peerOut().write(sent);
      assertThat(pair.in().readNBytes(sent.length)).isEqualTo(sent);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aReadThatTimesOutInMidRecordCanBeRepeated(Setup setup) throws Exception {
    try (Pair pair = Pair.relayed(setup)) {
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
      pair.relay().meter();
      byte[] sent = bytes(new Random(2), 10_000);
      pair.peerOut().write(sent);
      pair.ours.setSoTimeout(20);
      for (int part : new int[] {0, 1, 3, 1, 200, 1000}) {
        pair.relay().let(part);
        assertThatThrownBy(() -> pair.in().read()).isInstanceOf(SocketTimeoutException.class);
      }
      pair.relay().letAll();
      pair.ours.setSoTimeout(60_000);
      assertThat(pair.in().readNBytes(sent.length)).isEqualTo(sent);
      assertThat(pair.ours.isClosed()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aReadTimeoutCoversTheWholeReadHoweverThePeerDrips(Setup setup) throws Exception {
    try (Pair pair = Pair.relayed(setup)) {
      pair.peerOut().write(1);
      assertThat(pair.in().read()).isEqualTo(1);
      pair.relay().meter();
      pair.peerOut().write(bytes(new Random(2), 10_000));
      Future<?> drip =
          pair.run(() -> {
            for (int i = 0; i < 9_000; i++) {
              pair.relay().let(1);
              TimeUnit.MILLISECONDS.sleep(10);
            }
          });
      pair.ours.setSoTimeout(200);
      long start = System.nanoTime();
      assertThatThrownBy(() -> pair.in().read()).isInstanceOf(SocketTimeoutException.class);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(199));
      assertThat(drip.isDone()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS + "Tls13")
  void twoPeersThatBothWriteBeforeTheyReadAreUnblockedThroughAStormOfKeyUpdates(Setup setup)
      throws Exception {
    byte[] toPeer = bytes(new Random(3), 12_000_000);
    byte[] toUs = bytes(new Random(4), 12_000_000);
    AtomicInteger progress = new AtomicInteger();
    try (Pair pair = Pair.connected(setup)) {
      Future<?> ours = pair.run(() -> writeSteps(pair.out(), toPeer, progress, () -> {}));
      Future<?> theirs =
          pair.run(() -> writeSteps(pair.peerOut(), toUs, progress, pair.peer::startHandshake));
      awaitStandstill(progress);
      assertThat(ours.isDone() || theirs.isDone()).isFalse();

      Future<byte[]> read = pair.call(() -> pair.in().readNBytes(toUs.length));
      assertThat(read.get()).isEqualTo(toUs).isNotEmpty();
      assertThat(pair.peerIn().readNBytes(toPeer.length)).isEqualTo(toPeer);
      ours.get();
      theirs.get();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aReaderIsServedWhileTheWriterIsBlocked(Setup setup) throws Exception {
    AtomicInteger progress = new AtomicInteger();
    try (Pair pair = Pair.connected(setup)) {
      Future<?> writer =
          pair.run(() -> writeSteps(pair.out(), new byte[64_000_000], progress, () -> {}));
      awaitStandstill(progress);
      for (int i = 0; i < 20; i++) {
        pair.peerOut().write(i);
        if (setup.tls13()) {
          pair.peer.startHandshake();
        }
        assertThat(pair.in().read()).isEqualTo(i);
      }
      assertThat(writer.isDone()).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void afterHalfCloseThePeerSeesTheEndAndMayStillSend(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.out().write(5);
      pair.ours.shutdownOutput();
      assertThat(pair.ours.isOutputShutdown()).isTrue();
      assertThat(pair.peerIn().read()).isEqualTo(5);
      assertThatThrownBy(() -> pair.channel.write(new byte[1], 0, 1))
          .hasMessageContaining("output is shutdown");
      if (setup.tls13()) {
        byte[] sent = bytes(new Random(5), 100_000);
        assertThat(pair.peerIn().read()).isEqualTo(-1);
        Future<?> writer = pair.run(() -> pair.peerOut().write(sent));
        assertThat(pair.in().readNBytes(sent.length)).isEqualTo(sent);
        writer.get();
        pair.peer.close();
      } else {
        assertThat(pair.peerIn().read()).isEqualTo(-1); // JSSE answers with its own close_notify.
        pair.peer.close();
      }
      assertThat(pair.in().read()).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void aPeersCloseNotifyIsTheEndOfTheStreamAndNoError(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      pair.peerOut().write(new byte[] {1, 2, 3});
      pair.background(pair.peer::close);
      assertThat(pair.in().readAllBytes()).containsExactly(1, 2, 3);
      assertThat(pair.in().read()).isEqualTo(-1);
      assertThat(pair.in().available()).isZero();
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS)
  void availableCountsWhatArrivedAndSkipSkipsIt(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      assertThat(pair.in().available()).isZero();
      pair.peerOut().write(new byte[100]);
      pair.peerOut().write(9);
      await().until(() -> pair.in().available() == 100);
      assertThat(pair.in().skip(40)).isEqualTo(40);
      assertThat(pair.in().available()).isEqualTo(60);
      assertThat(pair.in().read(new byte[0])).isZero();
      assertThat(pair.in().skip(1000)).isEqualTo(60);
      assertThat(pair.in().read()).isEqualTo(9);
    }
  }

  @ParameterizedTest
  @MethodSource(SOCKETS + "Tls12")
  void aRenegotiationOfTls12IsRefused(Setup setup) throws Exception {
    try (Pair pair = Pair.connected(setup)) {
      Future<?> peer =
          pair.run(() -> {
            pair.peer.startHandshake();
            pair.peerIn().read();
          });
      assertThatThrownBy(() -> pair.in().read())
          .isInstanceOf(SSLHandshakeException.class)
          .hasMessageContaining("renegotiate");
      assertThat(Pair.failure(peer)).isInstanceOf(IOException.class);
    }
  }

  static byte[] bytes(Random random, int size) {
    byte[] bytes = new byte[size];
    random.nextBytes(bytes);
    return bytes;
  }

  /**
   * Waits until nobody has made progress for a while: both writers are then blocked by full
   * buffers.
   */
  static void awaitStandstill(AtomicInteger progress) {
    int[] seen = {-1, 0};
    await()
        .pollInterval(Duration.ofMillis(50))
        .atMost(Duration.ofSeconds(60))
        .until(() -> {
          int now = progress.get();
          seen[1] = now == seen[0] && now > 0 ? seen[1] + 1 : 0;
          seen[0] = now;
          return seen[1] == 10;
        });
  }

  static void writeSteps(
      OutputStream out, byte[] bytes, AtomicInteger progress, Pair.Action between)
      throws Exception {
    for (int at = 0; at < bytes.length; at += 50_000) {
      out.write(bytes, at, Math.min(50_000, bytes.length - at));
      progress.incrementAndGet();
      between.run();
    }
  }

  private static void writeInChunks(OutputStream out, byte[] bytes, Random random)
      throws IOException {
    for (int at = 0; at < bytes.length; ) {
      int chunk = Math.min(bytes.length - at, 1 + random.nextInt(100_000));
      out.write(bytes, at, chunk);
      at += chunk;
    }
  }

  private static byte[] readInChunks(InputStream in, int size, Random random) throws IOException {
    byte[] bytes = new byte[size];
    for (int at = 0; at < size; ) {
      int got = in.read(bytes, at, Math.min(size - at, 1 + random.nextInt(50_000)));
      if (got < 0) {
        return Arrays.copyOf(bytes, at);
      }
      at += got;
    }
    return bytes;
  }
}
