package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.isWithdrawn;
import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.IOException;
import java.io.Reader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.PGConnection;

/**
 * Real databases in a real Consul's mesh, behind each of what may stand in front of them: the same
 * work, and the same ends when an intention takes the right away. A service for each database
 * behind each front, all in one mesh.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class JdbcFrontsTest {
  private static final String POSTGRES = "pg";
  private static final String MARIADB = "maria";

  private ConsulAgent agent;
  private Cast cast;
  private DatabaseServer postgres;
  private DatabaseServer mariadb;
  private Caller web;
  private final Map<DatabaseFront, DatabaseFront.Front> fronts = new EnumMap<>(DatabaseFront.class);

  @BeforeAll
  void start() throws Exception {
    RealPeers.requireConsul();
    RealPeers.requireEnvoyAtLeast(1, 36);
    RealPeers.requirePostgres();
    RealPeers.requireMariadb();
    agent = ConsulAgent.start(true);
    cast = new Cast(agent);
    postgres = cast.keep(DatabaseServer.postgres());
    mariadb = cast.keep(DatabaseServer.mariadb());
    for (DatabaseFront front : DatabaseFront.values()) {
      fronts.put(front, front.start(agent, cast, front.service(POSTGRES), postgres.port()));
      front.start(agent, cast, front.service(MARIADB), mariadb.port());
    }
    web = JdbcCast.caller(cast, "web");
    for (DatabaseFront front : DatabaseFront.values()) {
      for (String database : List.of(POSTGRES, MARIADB)) {
        Cast.awaitEndpoint(web.mesh(), front.service(database));
      }
      awaitServed(() -> web.connect(url(front, "")));
      awaitServed(() -> DriverKind.MARIADB_4.connect(web, "//" + front.service(MARIADB) + "/app"));
    }
  }

  @AfterAll
  void stop() throws Exception {
    if (cast != null) {
      cast.close();
    }
    if (agent != null) {
      agent.close();
    }
  }

  @AfterEach
  void forgetIntentions() throws Exception {
    if (web == null) {
      return;
    }
    agent.removeAllIntentions();
    for (DatabaseFront front : DatabaseFront.values()) {
      awaitServed(() -> web.connect(url(front, "")));
      awaitServed(() -> DriverKind.MARIADB_4.connect(web, "//" + front.service(MARIADB) + "/app"));
    }
  }

  private static String url(DatabaseFront front, String parameters) {
    return "jdbc:postgresql://" + front.service(POSTGRES) + "/postgres" + parameters;
  }

  private interface Connecting {
    Connection connect() throws Exception;
  }

  /** A front that has just begun may not have its certificate yet, or an intention's news. */
  private static void awaitServed(Connecting connecting) {
    Cast.await(
        "the front serves",
        () -> {
          try (Connection connection = connecting.connect()) {
            return one(connection, "SELECT 1").equals("1");
          } catch (SQLException e) {
            return false;
          }
        });
  }

  private void awaitAllowed(String service, boolean allowed) {
    Destination destination = Destination.parse(service);
    Cast.await("the right", () -> web.mesh().explain(destination).isAllowed() == allowed);
  }

  @ParameterizedTest
  @EnumSource(DatabaseFront.class)
  void whatApplicationsDoWithPostgresqlWorks(DatabaseFront front) throws Exception {
    for (PostgresWork work : PostgresWork.values()) {
      work.on(parameters -> web.connect(url(front, parameters)));
    }
  }

  @ParameterizedTest
  @EnumSource(DatabaseFront.class)
  void whatApplicationsDoWithMariadbWorks(DatabaseFront front) throws Exception {
    List<CompletableFuture<Throwable>> drivers = new ArrayList<>();
    for (DriverKind driver : DriverKind.values()) {
      drivers.add(
          JdbcCast.ending(() -> {
            for (MariadbWork work : MariadbWork.values()) {
              work.on(parameters ->
                  driver.connect(web, "//" + front.service(MARIADB) + "/app" + parameters));
            }
          }));
    }
    for (int i = 0; i < drivers.size(); i++) {
      assertThat(drivers.get(i).get()).as("%s", DriverKind.values()[i]).isNull();
    }
  }

  private HikariDataSource pool(DatabaseFront front) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url(front, "?connectTimeout=60"));
    config.setUsername(DatabaseServer.USER);
    config.setPassword(DatabaseServer.PASSWORD);
    config.setMaximumPoolSize(5);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(Cast.GUARD.toMillis());
    config.setValidationTimeout(Cast.GUARD.toMillis() / 2);
    return MeshHikari.builder(config).options(web.options()).build();
  }

  /** Idle, borrowed, running, in a transaction, blocked as a writer: all at once. */
  @ParameterizedTest
  @EnumSource(DatabaseFront.class)
  void aDenyEndsPostgresqlsConnectionsInEveryStateAndAnAllowBringsThemBack(DatabaseFront front)
      throws Exception {
    String service = front.service(POSTGRES);
    agent.allow("web", service);
    awaitAllowed(service, true);
    try (HikariDataSource pool = pool(front);
        Connection beside = postgres.connect();
        Statement admin = beside.createStatement()) {
      String ledger = "ledger_" + front.name();
      admin.execute("CREATE TABLE " + ledger + " (entry int)");
      try (Connection idle = pool.getConnection();
          Connection quiet = pool.getConnection();
          Connection running = pool.getConnection();
          Statement sleeping = running.createStatement();
          Connection open = pool.getConnection();
          Statement insert = open.createStatement();
          Connection writer = pool.getConnection()) {
        open.setAutoCommit(false);
        insert.execute("INSERT INTO " + ledger + " VALUES (1)");
        String sleeper = one(running, "SELECT pg_backend_pid()");
        CompletableFuture<Throwable> slept =
            JdbcCast.ending(() -> sleeping.execute("SELECT pg_sleep(304)"));
        Cast.await(
            "the statement runs",
            () ->
                one(
                        beside,
                        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"
                            + " AND query = 'SELECT pg_sleep(304)' AND pid = "
                            + sleeper)
                    .equals("1"));
        String backend = one(writer, "SELECT pg_backend_pid()");
        idle.close();
        try {
          CompletableFuture<Throwable> wrote = blockedWriter(writer, backend);
          agent.deny("web", service);
          isCut(front, "running", slept.get());
          isCut(front, "blocked writer", wrote.get());
          awaitAllowed(service, false);
        } finally {
          signal("CONT", backend);
          admin.execute("SELECT pg_terminate_backend(" + sleeper + ")");
        }
        isCut(front, "borrowed", JdbcCast.ending(() -> one(quiet, "SELECT 1")).get());
        isCut(front, "transaction", JdbcCast.ending(open::commit).get());
        assertThatThrownBy(pool::getConnection)
            .isInstanceOf(SQLException.class)
            .hasMessageContaining("web may not call " + service + " now")
            .hasMessageContaining("default/web => default/" + service);
      }
      Cast.await(
          "the server has taken it back",
          () ->
              one(
                      beside,
                      "SELECT count(*) FROM pg_locks JOIN pg_class ON relation = pg_class.oid"
                          + " WHERE relname = lower('"
                          + ledger
                          + "')")
                  .equals("0"));
      assertThat(one(beside, "SELECT count(*) FROM " + ledger)).isEqualTo("0");
      agent.allow("web", service);
      awaitAllowed(service, true);
      awaitServed(pool::getConnection); // the front may hear of it later than we do
    }
  }

  /**
   * Proxies leave what is open alone, so the caller's own library ends it, with the reason. A
   * server on this library ends it as well: if it is faster, the caller sees a reset.
   */
  private static void isCut(DatabaseFront front, String what, Throwable thrown) {
    if (front == DatabaseFront.LISTEN) {
      assertThat(thrown).as(what).isInstanceOf(SQLException.class);
      assertThat(((SQLException) thrown).getSQLState())
          .as(what)
          .startsWith("08")
          .isNotEqualTo("08003");
      assertThat(thrown).as(what).hasRootCauseInstanceOf(IOException.class);
    } else {
      isWithdrawn(front + ", " + what, thrown);
    }
  }

  /** A COPY whose server stands still: it goes on until every buffer on the way is full. */
  private static CompletableFuture<Throwable> blockedWriter(Connection connection, String backend)
      throws Exception {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TEMP TABLE copied (name text)");
    }
    AtomicLong written = new AtomicLong();
    CompletableFuture<Throwable> end =
        JdbcCast.ending(() ->
            connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("COPY copied FROM STDIN", endless(written)));
    Cast.await("rows flow", () -> written.get() > 0 || end.isDone());
    signal("STOP", backend);
    long[] before = {-1};
    Cast.await(
        "the writer is blocked",
        java.time.Duration.ofSeconds(120),
        () -> {
          boolean still = written.get() == before[0];
          before[0] = written.get();
          return still || end.isDone();
        });
    return end;
  }

  private static Reader endless(AtomicLong written) {
    return new Reader() {
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
  }

  private static void signal(String name, String process) throws Exception {
    assertThat(new ProcessBuilder("kill", "-" + name, process).start().waitFor()).isZero();
  }

  @ParameterizedTest
  @EnumSource(DatabaseFront.class)
  void aDenyEndsMariadbsConnectionsOfEveryDriverAndAnAllowBringsThemBack(DatabaseFront front)
      throws Exception {
    String service = front.service(MARIADB);
    agent.allow("web", service);
    awaitAllowed(service, true);
    List<Connection> connections = new ArrayList<>();
    try (Connection beside = mariadb.connect();
        Statement admin = beside.createStatement()) {
      String ledger = "ledger_" + front.name();
      admin.execute("CREATE TABLE " + ledger + " (entry int) ENGINE=InnoDB");
      List<CompletableFuture<Throwable>> running = new ArrayList<>();
      for (DriverKind driver : DriverKind.values()) {
        for (int i = 0; i < 3; i++) {
          connections.add(driver.connect(web, "//" + service + "/app"));
        }
      }
      for (int i = 0; i < connections.size(); i += 3) {
        Statement sleeping = connections.get(i).createStatement();
        running.add(
            JdbcCast.ending(() -> sleeping.execute("SELECT SLEEP(304) /* " + front + " */")));
        connections.get(i + 1).setAutoCommit(false);
        try (Statement insert = connections.get(i + 1).createStatement()) {
          insert.execute("INSERT INTO " + ledger + " VALUES (1)");
        }
      }
      Cast.await(
          "the statements run",
          () ->
              one(
                      beside,
                      "SELECT COUNT(*) FROM information_schema.processlist"
                          + " WHERE command = 'Query' AND info LIKE 'SELECT SLEEP(304)%"
                          + front
                          + " */'")
                  .equals(Integer.toString(DriverKind.values().length)));
      agent.deny("web", service);
      for (int i = 0; i < running.size(); i++) {
        DriverKind driver = DriverKind.values()[i];
        Connection open = connections.get(3 * i + 1);
        Connection quiet = connections.get(3 * i + 2);
        isCut(front, driver + ", running", running.get(i).get());
        awaitAllowed(service, false);
        isCut(front, driver + ", transaction", JdbcCast.ending(open::commit).get());
        isCut(front, driver + ", idle", JdbcCast.ending(() -> one(quiet, "SELECT 1")).get());
        isWithdrawn(
            driver + ", new",
            JdbcCast.ending(() -> driver.connect(web, "//" + service + "/app").close()).get());
      }
      Cast.await(
          "the server has taken it back",
          () -> one(beside, "SELECT COUNT(*) FROM information_schema.innodb_trx").equals("0"));
      assertThat(one(beside, "SELECT COUNT(*) FROM " + ledger)).isEqualTo("0");
      agent.allow("web", service);
      awaitAllowed(service, true);
      for (DriverKind driver : DriverKind.values()) {
        awaitServed(() -> driver.connect(web, "//" + service + "/app"));
      }
    } finally {
      for (Connection connection : connections) {
        connection.close();
      }
    }
  }

  /** Whoever reads no intentions himself is refused by what stands in front of the database. */
  @ParameterizedTest
  @CsvSource({"LISTEN", "BUILT_IN_PROXY", "ENVOY"})
  void theFrontItselfRefusesWhoReadsNoIntentions(DatabaseFront front) throws Exception {
    String service = front.service(POSTGRES);
    Caller lawless = JdbcCast.register(cast, cast.lawless("web"));
    Cast.awaitEndpoint(lawless.mesh(), service);
    awaitServed(() -> lawless.connect(url(front, "")));
    agent.deny("web", service);
    fronts.get(front).webMay(false);
    Cast.await(
        "the front refuses",
        () -> {
          try (Connection connection = lawless.connect(url(front, ""))) {
            return !connection.isValid(60);
          } catch (SQLException e) {
            return true;
          }
        });
    // Not one more of its sessions reaches the database.
    Properties marked = new Properties();
    marked.setProperty("ApplicationName", "refused");
    assertThatThrownBy(() -> lawless.connect(url(front, ""), marked))
        .isInstanceOf(SQLException.class);
    try (Connection beside = postgres.connect()) {
      assertThat(
              one(
                  beside,
                  "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'refused'"))
          .isEqualTo("0");
    }
    fronts.get(front).webMay(true);
  }
}
