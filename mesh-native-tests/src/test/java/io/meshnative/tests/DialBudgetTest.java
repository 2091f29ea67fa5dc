package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.chain;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.discovery.Destination;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
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
  private static final int BUDGET_MILLIS = 1000;

  /** At a time; more for figures that are worth writing down. */
  private static final int CONNECTS = Integer.getInteger("mesh.budget.connects", 6);

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
    POSTGRESQL("jdbc:postgresql://db/postgres?connectTimeout=1", null),
    SQL_SERVER("jdbc:sqlserver://db;connectRetryCount=0;loginTimeout=1", null),
    MYSQL_NEWEST("//db/app?connectTimeout=1000", DriverKind.MYSQL_NEWEST),
    MYSQL_OLDEST("//db/app?connectTimeout=1000", DriverKind.MYSQL_OLDEST),
    MARIADB_4("//db/app?connectTimeout=1000", DriverKind.MARIADB_4),
    MARIADB_3_5("//db/app?connectTimeout=1000", DriverKind.MARIADB_3_5);

    private final String url;
    private final DriverKind kind;

    Limited(String url, DriverKind kind) {
      this.url = url;
      this.kind = kind;
    }

    /** With ten minutes of time instead of one second. */
    void connectPatiently(Caller web) throws SQLException {
      String patient = url.replaceFirst("=1(000)?$", "=600$1");
      (kind == null ? web.connect(patient) : kind.connect(web, patient)).close();
    }

    /**
     * Whether an exception or one of its causes is this; Microsoft's driver keeps the message only.
     */
    boolean tells(Throwable thrown, Class<? extends Throwable> cause, String message) {
      return this == SQL_SERVER
          ? thrown.getMessage().contains(message)
          : chain(thrown).stream().anyMatch(cause::isInstance);
    }

    void connect(Caller web) throws SQLException {
      (kind == null ? web.connect(url) : kind.connect(web, url)).close();
    }
  }

  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;
  private final Set<Limited> known = EnumSet.noneOf(Limited.class);
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
    for (Limited driver : Limited.values()) {
      if (known.add(driver)) {
        endsByItsLimit(driver, fault); // the first use of a driver loads its classes meanwhile
      }
      Distribution late = new Distribution();
      List<CompletableFuture<Void>> connects = new ArrayList<>();
      for (int i = 0; i < CONNECTS; i++) {
        connects.add(Background.run(() -> late.add(endsByItsLimit(driver, fault))));
      }
      for (CompletableFuture<Void> connect : connects) {
        connect.get();
      }
      System.out.println(driver + ", " + fault + ", later than 1 s: " + late);
    }
    Cast.await(
        "no dial is left",
        Duration.ofSeconds(60),
        () -> web.mesh().snapshot().connections().isEmpty());
  }

  /** How many nanoseconds later than the limit. */
  private long endsByItsLimit(Limited driver, Fault fault) {
    long begun = System.nanoTime();
    assertThatThrownBy(() -> driver.connect(web))
        .as("%s, %s", driver, fault)
        .isInstanceOf(SQLException.class)
        .matches(
            e ->
                driver.tells(e, SocketTimeoutException.class, "expected a connection to db within"),
            "tells that the time has passed");
    long took = System.nanoTime() - begun;
    long budget = TimeUnit.MILLISECONDS.toNanos(BUDGET_MILLIS);
    // Drivers hand on what is left in whole milliseconds.
    assertThat(took)
        .as("%s, %s", driver, fault)
        .isGreaterThanOrEqualTo(budget - TimeUnit.MILLISECONDS.toNanos(5));
    return took - budget;
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

  /** In whatever the dial waits for: an endpoint, TCP, TLS. */
  @ParameterizedTest
  @EnumSource(Limited.class)
  void anInterruptWhileNothingIsKnownEndsTheDialAndStaysSet(Limited driver) throws Exception {
    web = JdbcCast.caller(cast, "web");
    plane.plane().faults().hang();
    assertThat(web.mesh().endpoints(Destination.parse("db"))).isEmpty();
    Interrupted connecting = Interrupted.connecting(driver, web, true);
    Cast.await("it waits", connecting::waits);
    connecting.thread.interrupt();
    connecting.thread.join(Cast.GUARD.toMillis());
    plane.plane().faults().resume();
    assertThat(connecting.thread.isAlive()).isFalse();
    assertThat(connecting.told).isInstanceOf(SQLException.class);
    assertThat(connecting.told)
        .matches(
            e -> driver.tells(e, InterruptedIOException.class, "interrupted while waiting"),
            "tells of the interrupt");
    assertThat(connecting.flag).as("the thread's flag").isTrue();
  }

  /** Blocked in a socket a thread notices nothing until its limit; the flag is there then. */
  @ParameterizedTest
  @EnumSource(Fault.class)
  void anInterruptInTheMidstOfAConnectIsNotLost(Fault fault) throws Exception {
    serve(fault);
    for (Limited driver : Limited.values()) {
      Interrupted connecting = Interrupted.connecting(driver, web, false);
      connecting.thread.interrupt();
      connecting.thread.join(Cast.GUARD.toMillis());
      assertThat(connecting.thread.isAlive()).as("%s, %s", driver, fault).isFalse();
      assertThat(connecting.told).as("%s, %s", driver, fault).isInstanceOf(SQLException.class);
      assertThat(connecting.flag).as("the thread's flag, %s, %s", driver, fault).isTrue();
    }
    Cast.await(
        "no dial is left",
        Duration.ofSeconds(60),
        () -> web.mesh().snapshot().connections().isEmpty());
  }

  /** A thread that connects, and what became of it. */
  private static final class Interrupted {
    final Thread thread;
    volatile Throwable told;
    volatile boolean flag;

    private Interrupted(Limited driver, Caller web, boolean patiently) {
      thread =
          new Thread(
              () -> {
                try {
                  if (patiently) {
                    driver.connectPatiently(web);
                  } else {
                    driver.connect(web);
                  }
                } catch (Throwable e) {
                  told = e;
                }
                flag = Thread.currentThread().isInterrupted();
              },
              "connecting");
    }

    static Interrupted connecting(Limited driver, Caller web, boolean patiently) {
      Interrupted made = new Interrupted(driver, web, patiently);
      made.thread.start();
      return made;
    }

    boolean waits() {
      return thread.getState() == Thread.State.TIMED_WAITING || !thread.isAlive();
    }
  }
}
