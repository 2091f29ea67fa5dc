package io.meshnative.tests;

import static io.meshnative.tests.Cast.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.intention.Decision;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.tests.TlsWorld.Tls;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.util.Random;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A caller with a true certificate that may call nothing there is, and that speaks HTTP/2 to a gRPC
 * server as it likes. After each attack others are served, no handler was entered, and connections,
 * engines and threads are gone.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ParameterizedClass
@EnumSource(Tls.class)
@ExtendWith(Quiet.class)
@Timeout(600)
class GrpcServerAttacksTest {
  private static final long SEED = 20_261_121;
  private static final int CONNECTIONS = 80;
  private static final int FRAMES = 40;
  private static final int PRIORITY = 2;

  @Parameter Tls tls;

  private EmbeddedControlPlane plane;
  private CountingProvider engines;
  private MeshClient db;
  private GrpcLetters letters;
  private RawPeer web;
  private RawPeer batch;

  @BeforeParameterizedClassInvocation
  void start() throws Exception {
    plane = EmbeddedControlPlane.builder().defaultAllow(false).start();
    plane.intention(
        "web", "db", "[{\"Action\": \"allow\", \"HTTP\": {\"PathExact\": \"/no.Such/Thing\"}}]");
    plane.allow("batch", "db");
    engines = new CountingProvider(tls.security());
    db = new EmbeddedPlane(plane).client("db").tlsProvider(TlsProvider.of(engines)).build();
    db.awaitReady(Cast.GUARD);
    await(
        "the permissions are held",
        () ->
            db.explain("batch").isAllowed()
                && db.explain("web") instanceof Decision.Denied denied
                && denied.cause() == Decision.Cause.NEEDS_REQUEST);
    letters = GrpcLetters.of(db);
    web = RawPeer.of(Tls.JSSE.security(), plane.caIssue("web"));
    batch = RawPeer.of(Tls.JSSE.security(), plane.caIssue("batch"));
  }

  @AfterParameterizedClassInvocation
  void stop() throws Exception {
    try {
      letters.close();
    } finally {
      db.close();
      plane.close();
    }
  }

  @AfterEach
  void othersAreServedAndNothingIsLeft() throws Exception {
    int before = letters.entered.get();
    try (RawHttp2 other = connect(batch)) {
      int stream = call(other, GrpcLetters.WHO, true);
      assertThat(other.answer(stream).status()).isEqualTo(200);
    }
    assertThat(letters.entered).as("by the other alone").hasValue(before + 1);
    await("nobody is connected", () -> db.snapshot().connections().isEmpty());
    await("all engines are freed", () -> engines.live().isEmpty());
    assertThat(
            Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("mesh-db-grpc")))
        .as("the server's threads")
        .hasSizeLessThanOrEqualTo(2 * Runtime.getRuntime().availableProcessors() + 1);
  }

  private RawHttp2 connect(RawPeer caller) throws IOException {
    SSLSocket socket = caller.connect(letters.port());
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {"h2"});
    socket.setSSLParameters(parameters);
    return new RawHttp2(socket);
  }

  private static String[] head(String method) {
    return new String[] {
      ":method", "POST",
      ":scheme", "https",
      ":path", "/" + method,
      ":authority", "db",
      "te", "trailers",
      "content-type", "application/grpc"
    };
  }

  /** Begins a call; one that ends carries an empty message. */
  private static int call(RawHttp2 http2, String method, boolean ends) throws IOException {
    int stream = http2.open(false, head(method));
    if (ends) {
      http2.data(stream, true, "\0\0\0\0\0");
    }
    return stream;
  }

  /** Says something on a connection, which the server may end at any word. */
  private void attack(Attack attack) throws IOException {
    int before = letters.entered.get();
    try (RawHttp2 http2 = connect(web)) {
      attack.on(http2);
    } catch (EOFException | SSLException | SocketException e) {
      // It has had enough of us.
    }
    assertThat(letters.entered).as("undecided calls").hasValue(before);
  }

  private interface Attack {
    void on(RawHttp2 http2) throws IOException;
  }

  /** Waits until the server has read all that came before, or has ended the connection. */
  private static void flushed(RawHttp2 http2) throws IOException {
    RawHttp2.Answer unused = http2.answer(call(http2, "no.Other/Thing", true));
  }

  @Test
  @Tag("T40")
  void framesOfChance() throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < CONNECTIONS; i++) {
      attack(http2 -> {
        for (int frame = random.nextInt(FRAMES); frame >= 0; frame--) {
          frameOfChance(http2, random);
        }
      });
    }
  }

  /** Half of them nearly right, since what is wrong from the start ends at the start. */
  private static void frameOfChance(RawHttp2 http2, Random random) throws IOException {
    int stream = random.nextInt(4) == 0 ? random.nextInt() : 1 + 2 * random.nextInt(8);
    switch (random.nextInt(8)) {
      case 0 -> http2.headers(stream, random.nextBoolean(), head(GrpcLetters.TALK));
      case 1 -> call(http2, GrpcLetters.WHO, random.nextBoolean());
      case 2 -> http2.data(stream, random.nextBoolean(), "\0\0\0\0\5hello");
      case 3 -> http2.reset(stream);
      default -> {
        byte[] payload = new byte[random.nextInt(random.nextInt(10) == 0 ? 17_000 : 64)];
        random.nextBytes(payload);
        http2.frame(random.nextInt(14), random.nextInt(256), stream, payload);
      }
    }
  }

  @Test
  @Tag("T40")
  void blocksOfFieldsWithOneBitChanged() throws Exception {
    Random random = new Random(SEED);
    for (int i = 0; i < CONNECTIONS; i++) {
      attack(http2 -> {
        byte[] block = RawHttp2.block(head(GrpcLetters.WHO));
        block[random.nextInt(block.length)] ^= (byte) (1 << random.nextInt(8));
        http2.frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, block);
        http2.data(1, true, "\0\0\0\0\0");
        RawHttp2.Answer unused = http2.answer(1);
      });
    }
  }

  /** What one frame too many, or too long, does. */
  enum Flood {
    RESETS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 3_200; i++) {
          http2.reset(call(http2, GrpcLetters.TALK, false));
        }
      }
    },
    STREAMS_THAT_THE_SERVER_MUST_RESET {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 3_200; i++) {
          http2.frame(RawHttp2.WINDOW_UPDATE, 0, call(http2, GrpcLetters.TALK, false), new byte[4]);
        }
      }
    },
    STREAMS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 2_000; i++) {
          call(http2, GrpcLetters.TALK, false);
        }
      }
    },
    CONTINUATIONS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        http2.frame(RawHttp2.HEADERS, 0, 1, RawHttp2.block(":method", "POST"));
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.CONTINUATION, 0, 1, RawHttp2.block("a", "x".repeat(1000)));
        }
      }
    },
    EMPTY_CONTINUATIONS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        http2.frame(RawHttp2.HEADERS, 0, 1, RawHttp2.block(":method", "POST"));
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.CONTINUATION, 0, 1, new byte[0]);
        }
      }
    },
    /** A field of 3 KiB goes into the table, and each byte behind it says it once more. */
    COMPRESSED_FIELDS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int stream = 1; stream < 100; stream += 2) {
          ByteArrayOutputStream block = new ByteArrayOutputStream();
          block.writeBytes(RawHttp2.block(head(GrpcLetters.TALK)));
          byte[] field = RawHttp2.block("a", "x".repeat(3_000));
          field[0] = 0x40; // with indexing (RFC 7541 §6.2.1)
          block.writeBytes(field);
          for (int i = 0; i < 12_000; i++) {
            block.write(0x80 | 62);
          }
          http2.frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, stream, block.toByteArray());
        }
      }
    },
    SETTINGS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.SETTINGS, 0, 0, new byte[] {0, 4, 0, 1, 0, 0});
        }
      }
    },
    PINGS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.PING, 0, 0, new byte[8]);
        }
      }
    },
    PRIORITIES {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 5_000; i++) {
          http2.frame(PRIORITY, 0, 2 * i + 1, new byte[] {0, 0, 0, 0, 1});
        }
      }
    },
    EMPTY_DATA {
      @Override
      void on(RawHttp2 http2) throws IOException {
        int stream = call(http2, GrpcLetters.TALK, false);
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.DATA, 0, stream, new byte[0]);
        }
      }
    },
    WINDOWS {
      @Override
      void on(RawHttp2 http2) throws IOException {
        for (int i = 0; i < 5_000; i++) {
          http2.frame(RawHttp2.WINDOW_UPDATE, 0, 0, new byte[] {127, -1, -1, -1});
        }
      }
    },
    A_FRAME_THAT_IS_TOO_LONG {
      @Override
      void on(RawHttp2 http2) throws IOException {
        http2.frame(RawHttp2.HEADERS, RawHttp2.END_HEADERS, 1, new byte[1 << 20]);
      }
    },
    MESSAGES_THAT_ARE_LONGER_THAN_THEY_SAY {
      @Override
      void on(RawHttp2 http2) throws IOException {
        int stream = call(http2, GrpcLetters.TALK, false);
        http2.data(stream, true, "\0\u007f\u00ff\u00ff\u00ffx");
      }
    };

    abstract void on(RawHttp2 http2) throws IOException;
  }

  @ParameterizedTest
  @EnumSource
  @Tag("T40")
  void aFloodOf(Flood what) throws Exception {
    attack(http2 -> {
      what.on(http2);
      flushed(http2);
    });
  }
}
