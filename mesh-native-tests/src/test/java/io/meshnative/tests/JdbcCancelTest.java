package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.tests.JdbcCast.Caller;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A service with two backends: a cancel reaches the one that runs the statement. The other one runs
 * a statement under the same number meanwhile, which nobody may touch.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class JdbcCancelTest {
  private static final String LONG =
      "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b WHERE a.seq + b.seq < 0";

  private final List<DatabaseServer> databases = new ArrayList<>();
  private final List<Terminator> terminators = new ArrayList<>();
  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;

  /** A service that is served by these databases. */
  private void serve(DatabaseServer... servers) throws Exception {
    databases.addAll(List.of(servers));
    plane = EmbeddedPlane.start(true);
    cast = new Cast(plane);
    MeshClient db = cast.client("db");
    for (DatabaseServer server : servers) {
      Terminator terminator = cast.keep(new Terminator(db, server.port()));
      terminators.add(terminator);
      plane.register("db", "db-" + terminator.port(), "127.0.0.1", terminator.port());
    }
    web = JdbcCast.caller(cast, "web");
    Cast.await(
        "both are known",
        () -> web.mesh().endpoints(Destination.parse("db")).size() == servers.length);
  }

  @AfterEach
  void leave() throws Exception {
    if (cast != null) {
      cast.close();
      plane.close();
    }
    for (DatabaseServer database : databases) {
      database.close();
    }
    databases.clear();
    terminators.clear();
  }

  private static CompletableFuture<Throwable> ending(Statement statement, String sql) {
    return Background.supply(() -> {
      try {
        statement.execute(sql);
        return null;
      } catch (SQLException e) {
        return e;
      }
    });
  }

  private int backendOf(Connection connection) throws SQLException {
    int port = Integer.parseInt(one(connection, "SELECT @@port"));
    return databases.get(0).port() == port ? 0 : 1;
  }

  private static boolean runs(Connection beside, String id) throws SQLException {
    return one(
            beside,
            "SELECT COUNT(*) FROM information_schema.processlist WHERE id = "
                + id
                + " AND command = 'Query'")
        .equals("1");
  }

  @Test
  void mariadbsAndMysqlsCancelsNeverTouchTheOtherBackend() throws Exception {
    RealPeers.requireMariadb();
    serve(DatabaseServer.mariadb(), DatabaseServer.mariadb());
    for (DriverKind driver : DriverKind.values()) {
      for (int round = 0; round < 4; round++) {
        cancels(driver, round % 2 == 0);
      }
    }
  }

  /**
   * By a query timeout, or by the application.
   *
   * @param byTimeout which of the two; both have a path of their own in the drivers
   */
  private void cancels(DriverKind driver, boolean byTimeout) throws Exception {
    // Spread over both: a dial that does not mean one backend meets the wrong one every other time.
    try (Connection ours = driver.connect(web, "//db/app?meshSticky=false");
        Statement statement = ours.createStatement()) {
      String id = one(ours, "SELECT CONNECTION_ID()");
      DatabaseServer own = databases.get(backendOf(ours));
      DatabaseServer other = databases.get(1 - backendOf(ours));
      try (Connection victim = withNumber(own, other, id);
          Statement sleeping = victim.createStatement();
          Connection beside = other.connect();
          Connection besideOurs = own.connect()) {
        boolean same = one(victim, "SELECT CONNECTION_ID()").equals(id);
        String victimId = one(victim, "SELECT CONNECTION_ID()");
        CompletableFuture<Throwable> slept = ending(sleeping, "SELECT SLEEP(1000)");
        Cast.await("the other statement runs", () -> runs(beside, victimId));
        try {
          int[] accepted = terminators.stream().mapToInt(Terminator::accepted).toArray();
          if (byTimeout) {
            statement.setQueryTimeout(1);
          }
          CompletableFuture<Throwable> ended = ending(statement, LONG);
          if (!byTimeout) {
            Cast.await("our statement runs", () -> runs(besideOurs, id));
            statement.cancel();
          }
          assertThat(ended.get()).as("%s, %s", driver, byTimeout).isInstanceOf(SQLException.class);
          assertThat(runs(beside, victimId))
              .as("the other statement, same number: %s", same)
              .isTrue();
          assertThat(slept.isDone()).isFalse();
          int theirs = databases.indexOf(other);
          assertThat(terminators.get(theirs).accepted())
              .as("connections to the other backend")
              .isEqualTo(accepted[theirs]);
          if (!byTimeout || driver.isMysql()) { // MariaDB's timeout is the server's own business
            assertThat(terminators.get(1 - theirs).accepted()).isGreaterThan(accepted[1 - theirs]);
          }
        } finally {
          try (Statement kill = beside.createStatement()) {
            kill.execute("KILL " + victimId);
          }
          slept.get();
        }
      }
    }
  }

  /**
   * A connection to the other backend that has the number of ours, if its numbers have not passed
   * it: then the newest.
   */
  private static Connection withNumber(DatabaseServer own, DatabaseServer other, String id)
      throws SQLException {
    assertThat(own).isNotSameAs(other);
    while (true) {
      Connection connection = other.connect();
      if (Long.parseLong(one(connection, "SELECT CONNECTION_ID()")) >= Long.parseLong(id)) {
        return connection;
      }
      connection.close();
    }
  }

  @Test
  void postgresqlsCancelsGoToTheBackendOfTheStatement() throws Exception {
    RealPeers.requirePostgres();
    serve(DatabaseServer.postgres(), DatabaseServer.postgres());
    for (int round = 0; round < 6; round++) {
      try (Connection ours = web.connect(PostgresTest.URL + "?meshSticky=false");
          Statement statement = ours.createStatement()) {
        int port = Integer.parseInt(one(ours, "SHOW port"));
        int theirs = databases.get(0).port() == port ? 1 : 0;
        int[] accepted = terminators.stream().mapToInt(Terminator::accepted).toArray();
        if (round % 2 == 0) {
          statement.setQueryTimeout(1);
        }
        CompletableFuture<Throwable> ended = ending(statement, "SELECT pg_sleep(300)");
        if (round % 2 == 1) {
          try (Connection beside = databases.get(1 - theirs).connect()) {
            Cast.await(
                "our statement runs",
                () ->
                    one(
                            beside,
                            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                                + " AND query = 'SELECT pg_sleep(300)'")
                        .equals("1"));
          }
          statement.cancel();
        }
        assertThat(ended.get())
            .isInstanceOf(SQLException.class)
            .extracting(e -> ((SQLException) e).getSQLState())
            .isEqualTo("57014");
        assertThat(terminators.get(theirs).accepted()).isEqualTo(accepted[theirs]);
        assertThat(terminators.get(1 - theirs).accepted()).isEqualTo(accepted[1 - theirs] + 1);
      }
    }
  }

  @Test
  void aProcessKeepsToOneBackendUntilItDies() throws Exception {
    RealPeers.requirePostgres();
    serve(DatabaseServer.postgres(), DatabaseServer.postgres());
    List<String> ports = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      try (Connection connection = web.connect(PostgresTest.URL)) {
        ports.add(one(connection, "SHOW port"));
      }
    }
    assertThat(ports).as("all to one").containsOnly(ports.get(0));
    int preferred = databases.get(0).port() == Integer.parseInt(ports.get(0)) ? 0 : 1;
    terminators.get(preferred).close();
    try (Connection connection = web.connect(PostgresTest.URL)) {
      assertThat(one(connection, "SHOW port"))
          .isEqualTo(Integer.toString(databases.get(1 - preferred).port()));
    }
  }
}
