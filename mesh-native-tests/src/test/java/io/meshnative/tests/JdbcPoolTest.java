package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.chain;
import static io.meshnative.tests.JdbcCast.ending;
import static io.meshnative.tests.JdbcCast.isWithdrawn;
import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshException;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.jdbc.PoolPolicy;
import io.meshnative.tests.JdbcCast.Caller;
import java.security.Security;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.postgresql.PGConnection;

/** A HikariCP pool over a real PostgreSQL, while rights, certificates and endpoints change. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class JdbcPoolTest {
  private static final Destination DB = Destination.parse("db");

  private DatabaseServer database;
  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;
  private Terminator first;

  @BeforeAll
  void startDatabase() throws Exception {
    RealPeers.requirePostgres();
    database = DatabaseServer.postgres();
  }

  @AfterAll
  void stopDatabase() throws Exception {
    if (database != null) {
      database.close();
    }
  }

  @BeforeEach
  void join() throws Exception {
    plane = EmbeddedPlane.start(true);
    cast = new Cast(plane);
    // As sidecars do, it asks for no policy: what ends a connection is the caller's own doing.
    RawPeer db = RawPeer.of(Security.getProvider("SunJSSE"), plane.plane().caIssue("db"));
    first = cast.keep(new Terminator(db.listen(), database.port()));
    plane.register("db", "db-1", "127.0.0.1", first.port());
    web = JdbcCast.caller(cast, "web");
    Cast.awaitEndpoint(web.mesh(), "db");
  }

  @AfterEach
  void leave() throws Exception {
    cast.close();
    plane.close();
  }

  private HikariDataSource pool(int size, PoolPolicy policy) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(PostgresTest.URL + "?connectTimeout=60&cancelSignalTimeout=2");
    config.setUsername(DatabaseServer.USER);
    config.setPassword(DatabaseServer.PASSWORD);
    config.setMaximumPoolSize(size);
    config.setConnectionTimeout(Cast.GUARD.toMillis());
    config.setValidationTimeout(Cast.GUARD.toMillis() / 2);
    return cast.keep(MeshHikari.builder(config).options(web.options()).policy(policy).build());
  }

  private void awaitAllowed(boolean allowed) {
    Cast.await("the right", () -> web.mesh().explain(DB).isAllowed() == allowed);
  }

  @Test
  void whoBorrowsWhileTheRightIsGoneIsToldWhyAtOnceAndIsServedAfterwards() throws Exception {
    HikariDataSource pool = pool(3, PoolPolicy.defaults());
    try (Connection connection = pool.getConnection()) {
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
    plane.deny("web", "db");
    awaitAllowed(false);
    assertThatThrownBy(pool::getConnection)
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("web may not call db now")
        .hasMessageContaining("default/web => default/db");
    Cast.await("the pool is empty", () -> pool.getHikariPoolMXBean().getTotalConnections() == 0);
    plane.remove("web", "db");
    awaitAllowed(true);
    try (Connection connection = pool.getConnection()) {
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void aStatementThatRunsEndsWithTheReason() throws Exception {
    HikariDataSource pool = pool(2, PoolPolicy.defaults());
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      CompletableFuture<Throwable> end = running(statement, "SELECT pg_sleep(300)");
      awaitRunning("pg_sleep(300)", 1);
      plane.deny("web", "db");
      isWithdrawn(end.get());
      assertThat(connection.isValid(60)).isFalse();
    }
  }

  @Test
  void aBorrowedConnectionAndAnOpenTransactionEnd() throws Exception {
    HikariDataSource pool = pool(3, PoolPolicy.defaults());
    try (Connection setUp = pool.getConnection();
        Statement statement = setUp.createStatement()) {
      statement.execute("CREATE TABLE IF NOT EXISTS ledger (entry int)");
      statement.execute("DELETE FROM ledger");
    }
    try (Connection quiet = pool.getConnection();
        Connection open = pool.getConnection();
        Statement statement = open.createStatement()) {
      open.setAutoCommit(false);
      statement.execute("INSERT INTO ledger VALUES (1)");
      plane.deny("web", "db");
      Cast.await("all is cut", () -> web.mesh().snapshot().connections().isEmpty());
      isWithdrawn(ending(() -> one(quiet, "SELECT 1")).get());
      isWithdrawn(ending(open::commit).get());
    }
    try (Connection beside = database.connect()) {
      Cast.await(
          "the server has taken it back",
          () ->
              one(beside, "SELECT count(*) FROM pg_locks WHERE mode = 'RowExclusiveLock'")
                  .equals("0"));
      assertThat(one(beside, "SELECT count(*) FROM ledger")).isEqualTo("0");
    }
  }

  @Test
  void aWriterThatIsBlockedEndsWithTheReason() throws Exception {
    HikariDataSource pool = pool(1, PoolPolicy.defaults());
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TEMP TABLE copied (name text)");
      AtomicInteger written = new AtomicInteger();
      CompletableFuture<Throwable> end =
          ending(() -> {
            java.io.Reader endless =
                new java.io.Reader() {
                  @Override
                  public int read(char[] into, int offset, int length) {
                    java.util.Arrays.fill(into, offset, offset + length, 'x');
                    into[offset + length - 1] = '\n';
                    written.addAndGet(length);
                    return length;
                  }

                  @Override
                  public void close() {}
                };
            connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("COPY copied FROM STDIN", endless);
          });
      Cast.await("rows flow", () -> written.get() > 0 || end.isDone());
      first.hold(true);
      // What is on its way fills every buffer; then the count stands still.
      int[] before = {-1};
      Cast.await(
          "the writer is blocked",
          Duration.ofSeconds(120),
          () -> {
            boolean still = written.get() > 0 && written.get() == before[0];
            before[0] = written.get();
            return still || end.isDone();
          });
      plane.deny("web", "db");
      isWithdrawn(end.get());
      first.hold(false); // else the driver's close would wait, too
    }
  }

  @Test
  void aCancelInFlightIsRefusedAndTheStatementEndsWithTheReason() throws Exception {
    HikariDataSource pool = pool(1, PoolPolicy.defaults());
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      CompletableFuture<Throwable> end = running(statement, "SELECT pg_sleep(301)");
      awaitRunning("pg_sleep(301)", 1);
      int accepted = first.accepted();
      first.hold(true); // the cancel's connection stands, and what it says does not arrive
      CompletableFuture<Throwable> cancel = ending(statement::cancel);
      Cast.await("the cancel is on its way", () -> first.accepted() > accepted);
      plane.deny("web", "db");
      isWithdrawn(end.get());
      cancel.get(); // however it ended, it ended
      assertThat(web.mesh().snapshot().connections()).isEmpty();
    } finally {
      first.hold(false);
    }
  }

  private static CompletableFuture<Throwable> running(Statement statement, String sql) {
    return ending(() -> statement.execute(sql));
  }

  private void awaitRunning(String sql, int count) throws SQLException {
    try (Connection beside = database.connect()) {
      Cast.await(
          sql + " runs",
          () ->
              one(
                      beside,
                      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                          + " AND pid <> pg_backend_pid() AND query LIKE '%"
                          + sql
                          + "%'")
                  .equals(Integer.toString(count)));
    }
  }

  /** What borrowers met. */
  private static final class Met {
    final AtomicInteger served = new AtomicInteger();
    final AtomicInteger refused = new AtomicInteger();
    final AtomicInteger cut = new AtomicInteger();
    final ConcurrentLinkedQueue<Throwable> wrong = new ConcurrentLinkedQueue<>();

    /** An error of input or output with the mesh's reason: it was alive when it was asked. */
    private static boolean isToldWhy(SQLException e) {
      return !"08003".equals(e.getSQLState())
          && chain(e).stream().anyMatch(MeshException.class::isInstance);
    }

    void borrow(HikariDataSource pool) {
      try (Connection connection = pool.getConnection()) {
        try {
          assertThat(one(connection, "SELECT 1")).isEqualTo("1");
          served.incrementAndGet();
        } catch (SQLException e) {
          if (isToldWhy(e)) {
            cut.incrementAndGet();
          } else {
            wrong.add(e);
          }
        }
      } catch (SQLException e) {
        refused.incrementAndGet();
      } catch (Throwable e) {
        wrong.add(e);
      }
    }

    int attempts() {
      return served.get() + refused.get() + cut.get() + wrong.size();
    }

    @Override
    public String toString() {
      return served + " served, " + refused + " refused, " + cut + " cut while they ran";
    }
  }

  private static List<CompletableFuture<Void>> borrowers(
      int count, BooleanSupplier goOn, HikariDataSource pool, Met met) {
    List<CompletableFuture<Void>> borrowers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      borrowers.add(
          Background.run(() -> {
            while (goOn.getAsBoolean()) {
              met.borrow(pool);
            }
          }));
    }
    return borrowers;
  }

  /**
   * Borrowers are at it while the right goes; once it is back, nothing may fail, for nothing is cut
   * then: what fails was dead when it was handed out.
   */
  @Test
  void nobodyIsHandedADeadConnectionInAThousandFlips() throws Exception {
    HikariDataSource pool = pool(3, PoolPolicy.defaults());
    Met meanwhile = new Met();
    Met afterwards = new Met();
    for (int round = 0; round < 500; round++) {
      awaitAllowed(true);
      together(2, () -> afterwards.borrow(pool));
      assertThat(afterwards.wrong).as("round %s: %s", round, afterwards).isEmpty();
      assertThat(afterwards.attempts()).isEqualTo(afterwards.served.get());
      CompletableFuture<Void> borrower =
          Background.run(() -> {
            for (int i = 0; i < 3; i++) {
              meanwhile.borrow(pool);
            }
          });
      plane.deny("web", "db");
      awaitAllowed(false);
      borrower.get();
      Cast.await("all is cut", () -> web.mesh().snapshot().connections().isEmpty());
      plane.remove("web", "db");
    }
    assertThat(meanwhile.refused.get() + meanwhile.cut.get() + meanwhile.wrong.size())
        .as("of those who were at it: %s", meanwhile)
        .isPositive();
  }

  private static void together(int count, Runnable work) throws Exception {
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(Background.run(work));
    }
    for (CompletableFuture<Void> one : all) {
      one.get();
    }
  }

  @Test
  void aRotationReplacesEveryConnectionAndFailsNoQuery() throws Exception {
    HikariDataSource pool = pool(4, PoolPolicy.defaults().withRotation(Duration.ofMillis(500)));
    Set<String> before = backends(pool, 4);
    Met met = new Met();
    AtomicBoolean over = new AtomicBoolean();
    List<CompletableFuture<Void>> borrowers = borrowers(2, () -> !over.get(), pool, met);
    try {
      for (int rotation = 0; rotation < 3; rotation++) {
        long generation = web.mesh().trustGeneration();
        plane.plane().reissueLeaves();
        Cast.await("a new identity", () -> web.mesh().trustGeneration() > generation);
        Set<String> old = before;
        Cast.await("other connections", () -> backends().stream().noneMatch(old::contains));
        before = backends(pool, 4);
      }
    } finally {
      over.set(true);
    }
    for (CompletableFuture<Void> borrower : borrowers) {
      borrower.get();
    }
    assertThat(met.wrong).as(met.toString()).isEmpty();
    assertThat(met.cut.get() + met.refused.get()).as(met.toString()).isZero();
    assertThat(met.served.get()).isPositive();
  }

  /** Two seconds lie between one and the next: some are old still while others are new. */
  @Test
  void aRotationReplacesOneConnectionAfterTheOther() throws Exception {
    Set<String> others = backends(); // what sleeps on without its client
    HikariDataSource pool = pool(4, PoolPolicy.defaults().withRotation(Duration.ofSeconds(10)));
    Set<String> before = backends(pool, 4);
    long generation = web.mesh().trustGeneration();
    plane.plane().reissueLeaves();
    Cast.await("a new identity", () -> web.mesh().trustGeneration() > generation);
    Cast.await(
        "some are replaced",
        () -> {
          Set<String> left = backends();
          left.retainAll(before);
          assertThat(left).as("all at once").isNotEmpty();
          return left.size() < 4;
        });
    Cast.await(
        "all are replaced",
        () -> {
          // The pool fills up again by itself.
          Set<String> now = backends();
          now.removeAll(others);
          return now.size() == 4 && now.stream().noneMatch(before::contains);
        });
  }

  /** The processes of all connections of a pool, by borrowing all of them. */
  private static Set<String> backends(HikariDataSource pool, int size) throws SQLException {
    Set<String> backends = new TreeSet<>();
    List<Connection> borrowed = new ArrayList<>();
    try {
      for (int i = 0; i < size; i++) {
        Connection connection = pool.getConnection();
        borrowed.add(connection);
        backends.add(one(connection, "SELECT pg_backend_pid()"));
      }
    } finally {
      for (Connection connection : borrowed) {
        connection.close();
      }
    }
    return backends;
  }

  /** The processes of all connections through the mesh, as the server sees them. */
  private Set<String> backends() throws SQLException {
    Set<String> backends = new TreeSet<>();
    try (Connection beside = database.connect();
        Statement statement = beside.createStatement();
        java.sql.ResultSet rows =
            statement.executeQuery(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                    + " AND pid <> pg_backend_pid()")) {
      while (rows.next()) {
        backends.add(rows.getString(1));
      }
    }
    return backends;
  }

  @Test
  void anEndpointThatLeavesIsDrainedAndTheNextBorrowerGoesToAnother() throws Exception {
    HikariDataSource pool = pool(3, PoolPolicy.defaults().withGrace(Duration.ofMinutes(10)));
    try (Connection borrowed = pool.getConnection()) {
      assertThat(one(borrowed, "SELECT 1")).isEqualTo("1");
      Terminator second = cast.keep(new Terminator(cast.client("db"), database.port()));
      plane.register("db", "db-2", "127.0.0.1", second.port());
      Cast.await("both are known", () -> web.mesh().endpoints(DB).size() == 2);
      plane.deregister("db-1");
      Cast.await("one is known", () -> web.mesh().endpoints(DB).size() == 1);
      Cast.await(
          "a new connection goes to the other",
          () -> {
            try (Connection next = pool.getConnection()) {
              return one(next, "SELECT 1").equals("1") && second.accepted() > 0;
            }
          });
      assertThat(one(borrowed, "SELECT 2")).as("in its grace").isEqualTo("2");
    }
    Cast.await(
        "the drained connection has gone",
        () ->
            web.mesh().snapshot().connections().stream()
                .noneMatch(open -> open.toString().contains(":" + first.port())));
  }

  @Test
  void aBorrowedConnectionIsClosedWhenItsGraceHasPassed() throws Exception {
    HikariDataSource pool = pool(1, PoolPolicy.defaults().withGrace(Duration.ofMillis(200)));
    try (Connection borrowed = pool.getConnection()) {
      assertThat(one(borrowed, "SELECT 1")).isEqualTo("1");
      plane.deregister("db-1");
      Cast.await(
          "the connection ends",
          () -> {
            try {
              one(borrowed, "SELECT 1");
              return false;
            } catch (SQLException e) {
              return true;
            }
          });
    }
  }
}
