package io.meshnative.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.spi.TlsProvider;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What is read of a handshake's first messages, and that nonsense is read as nothing. */
class HelloTest {
  private static final int X25519 = 0x001d;
  private static final int X25519_MLKEM768 = 0x11ec;

  static Stream<TlsProvider> providers() {
    return Stream.of(TlsProvider.jsse(), Providers.conscrypt().orElseThrow());
  }

  private static byte[] clientsHello(TlsProvider provider, boolean tls12) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS", provider.provider());
    context.init(null, null, null);
    SSLEngine engine = context.createSSLEngine();
    EngineRules.of(tls12, true).apply(engine, true);
    engine.beginHandshake();
    ByteBuffer wire = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), wire);
    engine.closeOutbound();
    return Arrays.copyOf(wire.array(), wire.position());
  }

  private static Hello read(byte[] wire) {
    Hello hello = new Hello();
    hello.feed(ByteBuffer.wrap(wire));
    return hello;
  }

  /**
   * DESIGN §4.3. JSSE's own order is that in every JDK from 17 on; choosing it by {@code
   * SSLParameters.setNamedGroups} (JDK 20) would switch off the hybrid group where a JDK has one,
   * and the order that an operator sets by {@code jdk.tls.namedGroups} is the operator's.
   */
  @ParameterizedTest
  @MethodSource("providers")
  void aClientsFirstKeyShareIsX25519OrItsPostQuantumHybrid(TlsProvider provider) throws Exception {
    byte[] shares = read(clientsHello(provider, false)).extension(Hello.KEY_SHARE);
    assertThat(shares).isNotNull();
    int group = ByteBuffer.wrap(shares).getShort(2) & 0xffff;
    assertThat(group).isIn(X25519, X25519_MLKEM768);
    if (Providers.isConscrypt(provider)) {
      assertThat(group).isEqualTo(X25519_MLKEM768);
    }
  }

  @ParameterizedTest
  @MethodSource("providers")
  void aClientWithoutSessionsOffersNone(TlsProvider provider) throws Exception {
    assertThat(read(clientsHello(provider, false)).offersSession()).isFalse();
    assertThat(read(clientsHello(provider, true)).offersSession()).isFalse();
  }

  @ParameterizedTest
  @MethodSource("providers")
  void theWireMayComeInAnyPiecesAndTheMessageInAnyRecords(TlsProvider provider) throws Exception {
    byte[] whole = clientsHello(provider, true);
    byte[] shares = read(whole).extension(Hello.KEY_SHARE);
    Hello dripped = new Hello();
    for (byte one : inSmallRecords(whole)) {
      dripped.feed(ByteBuffer.wrap(new byte[] {one}));
    }
    assertThat(dripped.extension(Hello.KEY_SHARE)).isEqualTo(shares).isNotNull();
    assertThat(dripped.extendsMasterSecret()).isTrue(); // a client offers what the server echoes
  }

  /** The same handshake message, 100 bytes a record, with an alert that means nothing before it. */
  private static byte[] inSmallRecords(byte[] wire) {
    byte[] message = Arrays.copyOfRange(wire, 5, wire.length);
    ByteBuffer records = ByteBuffer.allocate(2 * wire.length + 100);
    records.put(new byte[] {21, 3, 3, 0, 2, 1, 0});
    for (int at = 0; at < message.length; at += 100) {
      int length = Math.min(100, message.length - at);
      records.put(new byte[] {22, 3, 3, 0, (byte) length}).put(message, at, length);
    }
    return Arrays.copyOf(records.array(), records.position());
  }

  @Test
  void nonsenseIsReadAsNothingAndHarmsNobody() throws Exception {
    byte[] good = clientsHello(TlsProvider.jsse(), true);
    Random random = new Random(11);
    for (int i = 0; i < 20_000; i++) {
      byte[] spoiled = good.clone();
      for (int j = 0; j < 1 + random.nextInt(4); j++) {
        spoiled[random.nextInt(spoiled.length)] = (byte) random.nextInt();
      }
      Hello hello = read(Arrays.copyOf(spoiled, random.nextInt(spoiled.length + 1)));
      hello.feed(ByteBuffer.wrap(spoiled));
      hello.offersSession();
    }
    Hello endless = new Hello();
    byte[] header = {22, 3, 3, 64, 0};
    for (int i = 0; i < 100; i++) {
      endless.feed(
          ByteBuffer.allocate(header.length + 16_384)
              .put(header)
              .put((byte) 1)
              .put((byte) -1)
              .rewind());
    }
    assertThat(endless.extendsMasterSecret()).isFalse();
  }
}
