package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.chain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A database that does not answer: the connect ends by the driver's own limit, with an exception
 * that says so. How much later than it should is reported and not asserted.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class DialBudgetTest {
  private static final System.Logger LOG = System.getLogger(DialBudgetTest.class.getName());
  private static final int BUDGET_MILLIS = 1000;

  /** What is wrong with the server. */
  enum Fault {
    /** The kernel takes no connection. */
    STALLED_TCP,
    /** It takes the connection and says nothing. */
    STALLED_TLS,
    /** It says a byte of nonsense that could become a record, now and then. */
    DRIPPING_TLS
  }

  /** How a driver is told its limit. */
  enum Limited {
    POSTGRESQL("jdbc:postgresql://db/postgres?connectTimeout=1"),
    MYSQL("jdbc:mysql://db/app?connectTimeout=1000"),
    MARIADB("jdbc:mariadb://db/app?connectTimeout=1000");

    final String url;

    Limited(String url) {
      this.url = url;
    }
  }

  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedPlane.start(true);
    cast = new Cast(plane);
  }

  @AfterEach
  void leave() throws Exception {
    for (Socket socket : open) {
      socket.close();
    }
    open.clear();
    cast.close();
    plane.close();
  }

  private void serve(Fault fault) throws Exception {
    ServerSocket server = cast.keep(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
    if (fault == Fault.STALLED_TCP) {
      // A queue of one that is full: the kernel drops what else comes.
      for (int i = 0; i < 3; i++) {
        Socket filler = new Socket();
        open.add(filler);
        try {
          filler.connect(server.getLocalSocketAddress(), 500);
        } catch (SocketTimeoutException e) {
          break; // full
        }
      }
    } else {
      Thread thread = new Thread(() -> accept(server, fault), "silent-server");
      thread.setDaemon(true);
      thread.start();
    }
    plane.register("db", "db-1", "127.0.0.1", server.getLocalPort());
    web = JdbcCast.caller(cast, "web");
    Cast.awaitEndpoint(web.mesh(), "db");
  }

  private void accept(ServerSocket server, Fault fault) {
    while (!server.isClosed()) {
      try {
        Socket socket = server.accept();
        open.add(socket);
        if (fault == Fault.DRIPPING_TLS) {
          Thread thread = new Thread(() -> drip(socket), "dripping-server");
          thread.setDaemon(true);
          thread.start();
        }
      } catch (IOException e) {
        return;
      }
    }
  }

  /** The beginning of a record that promises 16 kB, one byte at a time. */
  private static void drip(Socket socket) {
    byte[] start = {22, 3, 3, 0x3f, 0};
    try {
      for (int i = 0; ; i++) {
        socket.getOutputStream().write(i < start.length ? start[i] : 2);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
    } catch (IOException e) {
      // The other side has given up.
    }
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void aConnectEndsByTheDriversLimit(Fault fault) throws Exception {
    serve(fault);
    Properties user = new Properties();
    user.setProperty("user", "app");
    user.setProperty("password", "s3cret");
    for (Limited driver : Limited.values()) {
      Distribution late = new Distribution();
      String url = MeshJdbcUrl.rewrite(driver.url, web.options());
      for (int i = 0; i < 2; i++) {
        long begun = System.nanoTime();
        assertThatThrownBy(() -> DriverManager.getConnection(url, user))
            .as("%s, %s", driver, fault)
            .isInstanceOf(SQLException.class)
            .satisfies(e ->
                assertThat(chain(e))
                    .anySatisfy(cause ->
                        assertThat(
                                cause instanceof SocketTimeoutException
                                    || String.valueOf(cause.getMessage()).contains("timed out")
                                    || String.valueOf(cause.getMessage()).contains("within"))
                            .isTrue()));
        long took = System.nanoTime() - begun;
        assertThat(took)
            .isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(BUDGET_MILLIS) * 9 / 10);
        late.add(took - TimeUnit.MILLISECONDS.toNanos(BUDGET_MILLIS));
      }
      LOG.log(System.Logger.Level.INFO, "{0}, {1}: later than 1 s by {2}", driver, fault, late);
    }
    Cast.await(
        "no dial is left",
        Duration.ofSeconds(60),
        () -> web.mesh().snapshot().connections().isEmpty());
  }

  @Test
  void aLoginTimeoutEndsTheWaitAndTheDialThatWasLeftEndsByItself() throws Exception {
    serve(Fault.STALLED_TLS);
    long begun = System.nanoTime();
    assertThatThrownBy(
            () -> web.connect("jdbc:postgresql://db/postgres?loginTimeout=1&connectTimeout=3"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("timed out");
    assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(1_000_000_000L);
    Cast.await(
        "the server sees the end of every connection",
        () -> {
          for (Socket socket : open) {
            InputStream in = socket.getInputStream();
            socket.setSoTimeout(100);
            try {
              while (in.read() >= 0) {
                // the hello
              }
            } catch (SocketTimeoutException e) {
              return false;
            } catch (IOException e) {
              // reset: ended as well
            }
          }
          return !open.isEmpty();
        });
  }

  @Test
  void anInterruptWhileNothingIsKnownEndsTheDialAndStaysSet() throws Exception {
    web = JdbcCast.caller(cast, "web");
    plane.plane().faults().hang();
    Destination unknown = Destination.parse("unknown");
    assertThat(web.mesh().endpoints(unknown)).isEmpty();
    boolean[] interrupted = {false};
    Throwable[] told = {null};
    Thread thread =
        new Thread(
            () -> {
              try {
                web.connect("jdbc:mysql://unknown/app?connectTimeout=600000").close();
              } catch (SQLException e) {
                told[0] = e;
              }
              interrupted[0] = Thread.currentThread().isInterrupted();
            },
            "connecting");
    thread.start();
    Cast.await(
        "it waits", () -> thread.getState() == Thread.State.TIMED_WAITING || !thread.isAlive());
    thread.interrupt();
    thread.join(Cast.GUARD.toMillis());
    plane.plane().faults().resume();
    assertThat(thread.isAlive()).isFalse();
    assertThat(told[0]).isInstanceOf(SQLException.class);
    assertThat(chain(told[0]))
        .anySatisfy(cause -> assertThat(cause).isInstanceOf(java.io.InterruptedIOException.class));
    assertThat(interrupted[0]).isTrue();
  }
}
