package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.tests.JdbcCast.Caller;
import java.io.StringReader;
import java.io.StringWriter;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

/** A real PostgreSQL behind our own listener: what applications do with a database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class PostgresTest {
  static final String URL = "jdbc:postgresql://db/postgres";

  private DatabaseServer database;
  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;

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
    cast(new Cast(plane));
  }

  private void cast(Cast made) throws Exception {
    cast = made;
    cast.keep(new Terminator(cast.registered("db"), database.port()));
    web = JdbcCast.caller(cast, "web");
    Cast.awaitEndpoint(web.mesh(), "db");
  }

  @AfterEach
  void leave() throws Exception {
    cast.close();
    plane.close();
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aLoginByScramAndAStatementThatIsPrepared(TlsKind tls) throws Exception {
    cast.close();
    cast(new Cast(plane, tls.provider()));
    try (Connection connection = web.connect(URL);
        PreparedStatement prepared =
            connection.prepareStatement("SELECT ? || version() WHERE ? = ?")) {
      for (int i = 0; i < 10; i++) { // from the fifth on the server has prepared it
        prepared.setString(1, "is ");
        prepared.setInt(2, i);
        prepared.setInt(3, i);
        try (ResultSet result = prepared.executeQuery()) {
          assertThat(result.next()).isTrue();
          assertThat(result.getString(1)).startsWith("is PostgreSQL ");
        }
      }
      assertThat(one(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
          .as("the server itself sees plain text")
          .isEqualTo("f");
    }
  }

  @Test
  void aWrongPasswordIsTheServersToRefuse() {
    java.util.Properties wrong = new java.util.Properties();
    wrong.setProperty("password", "other");
    assertThatThrownBy(() -> web.connect(URL, wrong))
        .isInstanceOf(SQLException.class)
        .extracting(e -> ((SQLException) e).getSQLState())
        .isEqualTo("28P01");
  }

  @Test
  void aLargeResultComesWholeByOneFetchAndByMany() throws Exception {
    try (Connection connection = web.connect(URL)) {
      connection.setAutoCommit(false);
      for (int fetch : new int[] {0, 500}) {
        try (Statement statement = connection.createStatement()) {
          statement.setFetchSize(fetch);
          long sum = 0;
          long characters = 0;
          try (ResultSet result =
              statement.executeQuery(
                  "SELECT n, repeat('x', 200) FROM generate_series(1, 50000) AS n")) {
            while (result.next()) {
              sum += result.getLong(1);
              characters += result.getString(2).length();
            }
          }
          assertThat(sum).isEqualTo(50_000L * 50_001 / 2);
          assertThat(characters).isEqualTo(10_000_000);
        }
      }
    }
  }

  @Test
  void rowsAreCopiedInAndOut() throws Exception {
    try (Connection connection = web.connect(URL);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TEMP TABLE copied (id int, name text)");
      CopyManager copy = connection.unwrap(PGConnection.class).getCopyAPI();
      StringBuilder rows = new StringBuilder();
      for (int i = 0; i < 20_000; i++) {
        rows.append(i).append("\trow ").append(i).append('\n');
      }
      assertThat(copy.copyIn("COPY copied FROM STDIN", new StringReader(rows.toString())))
          .isEqualTo(20_000);
      StringWriter out = new StringWriter();
      assertThat(copy.copyOut("COPY (SELECT * FROM copied ORDER BY id) TO STDOUT", out))
          .isEqualTo(20_000);
      assertThat(out.toString()).isEqualTo(rows.toString());
    }
  }

  @Test
  void aBatchIsWrittenAndATransactionTakenBack() throws Exception {
    try (Connection connection = web.connect(URL);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TEMP TABLE written (id int PRIMARY KEY)");
      connection.setAutoCommit(false);
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO written VALUES (?)")) {
        for (int i = 0; i < 1000; i++) {
          insert.setInt(1, i);
          insert.addBatch();
        }
        assertThat(insert.executeBatch()).hasSize(1000).containsOnly(1);
        connection.commit();
        insert.setInt(1, 5000);
        insert.addBatch();
        insert.setInt(1, 1);
        insert.addBatch();
        assertThatThrownBy(insert::executeBatch).isInstanceOf(BatchUpdateException.class);
      }
      connection.rollback();
      assertThat(one(connection, "SELECT count(*) FROM written")).isEqualTo("1000");
    }
  }

  @Test
  void aNotificationArrivesWhileTheListenerWaits() throws Exception {
    try (Connection listener = web.connect(URL);
        Connection notifier = web.connect(URL);
        Statement listen = listener.createStatement();
        Statement notify = notifier.createStatement()) {
      listen.execute("LISTEN news");
      PGConnection listening = listener.unwrap(PGConnection.class);
      assertThat(listening.getNotifications(50)).as("a read that times out").isNullOrEmpty();
      CompletableFuture<PGNotification[]> heard =
          Background.supply(() -> {
            try {
              return listening.getNotifications((int) Cast.GUARD.toMillis());
            } catch (SQLException e) {
              throw new IllegalStateException(e);
            }
          });
      notify.execute("NOTIFY news, 'extra'");
      assertThat(heard.get())
          .singleElement()
          .extracting(PGNotification::getParameter)
          .isEqualTo("extra");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"any", "primary", "preferSecondary"})
  void theKindOfServerThatIsAskedForIsFound(String type) throws Exception {
    try (Connection connection = web.connect(URL + "?targetServerType=" + type)) {
      assertThat(one(connection, "SELECT pg_is_in_recovery()")).isEqualTo("f");
    }
    assertThatThrownBy(() -> web.connect(URL + "?targetServerType=secondary"))
        .isInstanceOf(SQLException.class)
        .hasMessageContaining("secondary");
  }

  @Test
  void aQueryTimeoutEndsTheStatementAndNotTheConnection() throws Exception {
    try (Connection connection = web.connect(URL);
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(300)"))
          .isInstanceOf(SQLException.class)
          .extracting(e -> ((SQLException) e).getSQLState())
          .isEqualTo("57014");
      statement.setQueryTimeout(0);
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void aReadTimeoutEndsTheConnection() throws Exception {
    try (Connection connection = web.connect(URL + "?socketTimeout=1");
        Statement statement = connection.createStatement()) {
      long begun = System.nanoTime();
      assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(300)"))
          .isInstanceOf(SQLException.class)
          .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
      assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(1_000_000_000L);
      assertThat(connection.isClosed()).isTrue();
    }
  }

  @Test
  void theSettersOfADataSourceReachTheMeshToo() throws Exception {
    org.postgresql.ds.PGSimpleDataSource source = new org.postgresql.ds.PGSimpleDataSource();
    source.setServerNames(new String[] {"localhost"});
    source.setDatabaseName("postgres");
    source.setUser(DatabaseServer.USER);
    source.setPassword(DatabaseServer.PASSWORD);
    source.setSslMode("disable");
    source.setSocketFactory("io.meshnative.jdbc.PostgresSocketFactory");
    source.setSocketFactoryArg("db?meshClient=" + web.name());
    try (Connection connection = source.getConnection()) {
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @Test
  void theDriversOwnTlsIsRefusedByTheFactoryItself() {
    String url =
        "jdbc:postgresql://localhost/postgres?socketFactory=io.meshnative.jdbc.PostgresSocketFactory"
            + "&meshService=db&meshClient="
            + web.name();
    for (String more : new String[] {"", "&sslmode=require", "&sslmode=prefer"}) {
      assertThatThrownBy(() ->
              java.sql.DriverManager.getConnection(
                  url + more, DatabaseServer.USER, DatabaseServer.PASSWORD))
          .isInstanceOf(SQLException.class)
          .satisfies(e ->
              assertThat(JdbcCast.chain(e))
                  .anySatisfy(
                      cause -> assertThat(cause).hasMessageContaining("expected sslmode=disable")));
    }
  }
}
