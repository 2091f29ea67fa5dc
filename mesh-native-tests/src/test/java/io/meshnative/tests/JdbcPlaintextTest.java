package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.Security;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Between the application and its database everything is recorded, while somebody edits URLs who
 * should not: what reaches the database's address is TLS from the first byte to the last.
 */
@ExtendWith(Quiet.class)
class JdbcPlaintextTest {
  private static final long SEED = Long.getLong("mesh.fuzz.seed", 20_261_121L);
  private static final int URLS = 60;

  /** Passes on to a server and keeps what callers said. */
  private static final class Recorder implements AutoCloseable {
    private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final int behind;
    private final Queue<ByteArrayOutputStream> said = new ConcurrentLinkedQueue<>();

    Recorder(int behind) throws IOException {
      this.behind = behind;
      start(this::accept);
    }

    private static void start(Runnable task) {
      Thread thread = new Thread(task, "recorder");
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() {
      while (!server.isClosed()) {
        try {
          Socket caller = server.accept();
          Socket to = new Socket(InetAddress.getLoopbackAddress(), behind);
          ByteArrayOutputStream record = new ByteArrayOutputStream();
          said.add(record);
          start(() -> copy(caller, to, record));
          start(() -> copy(to, caller, new ByteArrayOutputStream()));
        } catch (IOException e) {
          return; // closed
        }
      }
    }

    private static void copy(Socket from, Socket to, ByteArrayOutputStream record) {
      try (from;
          to) {
        InputStream in = from.getInputStream();
        byte[] buffer = new byte[16 * 1024];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          record.write(buffer, 0, n);
          to.getOutputStream().write(buffer, 0, n);
        }
      } catch (IOException e) {
        // One side has ended.
      }
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  /** Whether bytes are whole records of TLS, the last perhaps cut short. */
  private static boolean isTls(byte[] bytes) {
    int at = 0;
    while (at < bytes.length) {
      if (bytes[at] < 20 || bytes[at] > 23) {
        return false;
      }
      if (bytes.length - at < 5) {
        return true;
      }
      if (bytes[at + 1] != 3) {
        return false;
      }
      at += 5 + ((bytes[at + 3] & 0xff) << 8 | bytes[at + 4] & 0xff);
    }
    return true;
  }

  /** One change somewhere in the parameters; most leave the URL readable to the driver. */
  private static String edited(String url, RandomGenerator random) {
    int parameters = Math.max(url.indexOf('?'), url.indexOf(';')) + 1;
    String separator = url.startsWith("jdbc:sqlserver") ? ";" : "&";
    String[] parts = url.substring(parameters).split(separator);
    int which = random.nextInt(parts.length);
    switch (random.nextInt(5)) {
      case 0 -> parts[which] = "x" + parts[which];
      case 1 -> parts[which] = parts[which].toUpperCase(Locale.ROOT);
      case 2 -> parts[which] = "";
      case 3 -> parts[which] = parts[which] + "x";
      default -> {
        int at = random.nextInt(parts[which].length());
        parts[which] = parts[which].substring(0, at) + parts[which].substring(at + 1);
      }
    }
    return url.substring(0, parameters) + String.join(separator, parts);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:postgresql://db/app?connectTimeout=20&loginTimeout=20",
        "jdbc:mysql://db/app?connectTimeout=20000&socketTimeout=20000",
        "jdbc:mariadb://db/app?connectTimeout=20000&socketTimeout=20000",
      })
  void whateverIsEditedInAUrlNothingPlainReachesTheDatabase(String url) throws Exception {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      RawPeer db = RawPeer.of(Security.getProvider("SunJSSE"), plane.plane().caIssue("db"));
      // Behind it is nobody: every connection ends when it has said what it wants to.
      Terminator terminator = cast.keep(new Terminator(db.listen(), Ports.reserve()));
      Recorder recorder = cast.keep(new Recorder(terminator.port()));
      plane.register("db", "db-1", "127.0.0.1", recorder.server.getLocalPort());
      Caller web = JdbcCast.caller(cast, "web");
      Cast.awaitEndpoint(web.mesh(), "db");
      Properties user = new Properties();
      user.setProperty("user", "app");
      user.setProperty("password", "s3cret");
      String rewritten = MeshJdbcUrl.rewrite(url, web.options());
      for (int i = 0; i < URLS; i++) {
        String tried = i == 0 ? rewritten : edited(rewritten, random);
        try (Connection connection = DriverManager.getConnection(tried, user)) {
          assertThat(connection).as("nobody is there: " + tried).isNull();
        } catch (SQLException e) {
          // What else?
        }
      }
      assertThat(recorder.said).as("connections").isNotEmpty();
      for (ByteArrayOutputStream one : recorder.said) {
        byte[] bytes = one.toByteArray();
        assertThat(isTls(bytes)).as("%s bytes", bytes.length).isTrue();
        assertThat(one.toString(java.nio.charset.StandardCharsets.ISO_8859_1))
            .doesNotContain("s3cret");
      }
    }
  }
}
