package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.tests.JdbcCast.Caller;
import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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
    PostgresWork.PREPARED_STATEMENT.on(parameters -> web.connect(URL + parameters));
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PREPARED_STATEMENT")
  void whatApplicationsDoWorks(PostgresWork work) throws Exception {
    work.on(parameters -> web.connect(URL + parameters));
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
