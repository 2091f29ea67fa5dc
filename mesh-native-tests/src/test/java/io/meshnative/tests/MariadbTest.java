package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.tests.JdbcCast.Caller;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A real MariaDB behind our own listener, by the drivers of MySQL and of MariaDB. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class MariadbTest {
  private DatabaseServer database;
  private EmbeddedPlane plane;
  private Cast cast;
  private Caller web;

  @BeforeAll
  void startDatabase() throws Exception {
    RealPeers.requireMariadb();
    database = DatabaseServer.mariadb();
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
  @EnumSource(DriverKind.class)
  void aLoginAndAStatementThatTheServerPrepares(DriverKind driver) throws Exception {
    try (Connection connection =
            driver.connect(web, "//db/app?useServerPrepStmts=true&connectTimeout=60000");
        PreparedStatement prepared = connection.prepareStatement("SELECT CONCAT(?, VERSION())")) {
      prepared.setString(1, "is ");
      try (ResultSet result = prepared.executeQuery()) {
        assertThat(result.next()).isTrue();
        assertThat(result.getString(1)).startsWith("is 1").contains("MariaDB");
      }
      try (Statement statement = connection.createStatement();
          ResultSet status = statement.executeQuery("SHOW STATUS LIKE 'Ssl_cipher'")) {
        assertThat(status.next()).isTrue();
        assertThat(status.getString(2)).as("the server itself sees plain text").isEmpty();
      }
      assertThat(driver.version()).matches("8\\.0|26\\.10|3\\.5|4\\.0");
    }
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void aLargeResultComesWhole(DriverKind driver) throws Exception {
    try (Connection connection = driver.connect(web, "//db/app");
        Statement statement = connection.createStatement()) {
      long sum = 0;
      long characters = 0;
      try (ResultSet result =
          statement.executeQuery("SELECT seq, REPEAT('x', 200) FROM seq_1_to_50000")) {
        while (result.next()) {
          sum += result.getLong(1);
          characters += result.getString(2).length();
        }
      }
      assertThat(sum).isEqualTo(50_000L * 50_001 / 2);
      assertThat(characters).isEqualTo(10_000_000);
    }
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void aBatchIsWrittenAndATransactionTakenBack(DriverKind driver) throws Exception {
    try (Connection connection = driver.connect(web, "//db/app?rewriteBatchedStatements=true");
        Statement statement = connection.createStatement()) {
      statement.execute(
          "CREATE TEMPORARY TABLE written (id INT PRIMARY KEY, name TEXT) ENGINE=InnoDB");
      connection.setAutoCommit(false);
      try (PreparedStatement insert =
          connection.prepareStatement("INSERT INTO written VALUES (?, ?)")) {
        for (int i = 0; i < 1000; i++) {
          insert.setInt(1, i);
          insert.setNull(2, Types.VARCHAR);
          insert.addBatch();
        }
        insert.executeBatch();
        connection.commit();
      }
      statement.execute("DELETE FROM written");
      connection.rollback();
      assertThat(one(connection, "SELECT COUNT(*) FROM written")).isEqualTo("1000");
    }
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void aQueryTimeoutEndsTheStatement(DriverKind driver) throws Exception {
    try (Connection connection = driver.connect(web, "//db/app");
        Statement statement = connection.createStatement()) {
      statement.setQueryTimeout(1);
      // A sleep that is cut short is a result to MariaDB, and work is an error.
      assertThatThrownBy(() ->
              statement.executeQuery("SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"))
          .isInstanceOf(SQLException.class);
      statement.setQueryTimeout(0);
      assertThat(one(connection, "SELECT 1")).isEqualTo("1");
    }
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void aReadTimeoutEndsTheConnection(DriverKind driver) throws Exception {
    try (Connection connection = driver.connect(web, "//db/app?socketTimeout=1000");
        Statement statement = connection.createStatement()) {
      long begun = System.nanoTime();
      assertThatThrownBy(() -> statement.executeQuery("SELECT SLEEP(300)"))
          .isInstanceOf(SQLException.class)
          .satisfies(e ->
              assertThat(JdbcCast.chain(e))
                  .anySatisfy(cause ->
                      assertThat(cause).isInstanceOf(java.net.SocketTimeoutException.class)));
      assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(1_000_000_000L);
    }
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void theDriversOwnTlsIsRefusedByTheFactoryItself(DriverKind driver) {
    String factory = driver.isMysql() ? "MySqlSocketFactory" : "MariaDbSocketFactory";
    String url =
        driver.prefix
            + "//localhost/app?socketFactory=io.meshnative.jdbc."
            + factory
            + "&meshService=db&meshClient="
            + web.name()
            + (driver.isMysql() ? "&sslMode=PREFERRED" : "&sslMode=trust");
    java.util.Properties user = new java.util.Properties();
    user.setProperty("user", DatabaseServer.USER);
    user.setProperty("password", DatabaseServer.PASSWORD);
    assertThatThrownBy(() -> driver.connect(url, user))
        .isInstanceOf(SQLException.class)
        .satisfies(e ->
            assertThat(JdbcCast.chain(e))
                .anySatisfy(cause ->
                    assertThat(cause)
                        .hasMessageMatching("(?s).*expected sslMode=(?i:disabled?), .*")));
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void withoutAClientTheMessageSaysHowToRegisterOne(DriverKind driver) {
    assertThatThrownBy(() ->
            driver.connect(
                new Caller(web.mesh(), "nobody"), "//db/app", new java.util.Properties()))
        .isInstanceOf(SQLException.class)
        .satisfies(e ->
            assertThat(JdbcCast.chain(e))
                .anySatisfy(cause ->
                    assertThat(cause)
                        .hasMessageContaining("MeshClients.register(\"nobody\", client)")));
  }
}
