package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.discovery.Destination;
import io.meshnative.jdbc.MeshHikari;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.tests.JdbcCast.Caller;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A primary and a standby, each a service of its own: the driver looks for the kind of server that
 * it is asked for, as with several hosts anywhere.
 */
@ExtendWith(Quiet.class)
class JdbcMultiHostTest {
  /** It remembers what it found at a host; nothing, here. */
  private static final String URL =
      "jdbc:postgresql://pg-b,pg-a/postgres?hostRecheckSeconds=0&connectTimeout=60";

  private static HikariDataSource pool(Cast cast, Caller web, String url) {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(DatabaseServer.USER);
    config.setPassword(DatabaseServer.PASSWORD);
    config.setMaximumPoolSize(2);
    config.setConnectionTimeout(Cast.GUARD.toMillis());
    config.setValidationTimeout(Cast.GUARD.toMillis() / 2);
    return cast.keep(MeshHikari.builder(config).options(web.options().withMultiHost(true)).build());
  }

  private static String port(Caller web, String type) throws SQLException {
    try (Connection connection =
        web.connect(URL + "&meshMultiHost=true&targetServerType=" + type)) {
      return one(connection, "SHOW port");
    }
  }

  @Test
  void thePrimaryIsFoundAmongServicesAndTheNextOneWhenItDies() throws Exception {
    RealPeers.requirePostgres();
    try (DatabaseServer primary = DatabaseServer.postgres();
        DatabaseServer standby = DatabaseServer.postgresStandby();
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      cast.keep(new Terminator(cast.registered("pg-a"), primary.port()));
      cast.keep(new Terminator(cast.registered("pg-b"), standby.port()));
      Caller web = JdbcCast.caller(cast, "web");
      Cast.awaitEndpoint(web.mesh(), "pg-a");
      Cast.awaitEndpoint(web.mesh(), "pg-b");

      assertThatThrownBy(() -> MeshJdbcUrl.rewrite(URL))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("found pg-b and pg-a")
          .hasMessageContaining("meshMultiHost=true");

      assertThat(port(web, "primary")).isEqualTo(Integer.toString(primary.port()));
      assertThat(port(web, "secondary")).isEqualTo(Integer.toString(standby.port()));
      aCancelGoesToTheServerOfTheStatement(web);

      HikariDataSource pool = pool(cast, web, URL + "&targetServerType=primary");
      try (Connection borrowed = pool.getConnection()) {
        assertThat(one(borrowed, "SELECT pg_is_in_recovery()")).isEqualTo("f");
      }
      primary.kill();
      try (Connection beside = standby.connect()) {
        assertThat(one(beside, "SELECT pg_promote()")).isEqualTo("t");
      }
      Cast.await(
          "the pool has gone over",
          () -> {
            try (Connection borrowed = pool.getConnection()) {
              return one(borrowed, "SHOW port").equals(Integer.toString(standby.port()));
            } catch (SQLException e) {
              return false;
            }
          });

      // One of two services may be denied: the other one serves. Both: the pool says why.
      plane.deny("web", "pg-a");
      Cast.await("the pool serves", () -> serves(pool));
      plane.deny("web", "pg-b");
      Cast.await(
          "both are denied",
          () ->
              Stream.of("pg-a", "pg-b")
                  .map(Destination::parse)
                  .noneMatch(service -> web.mesh().explain(service).isAllowed()));
      assertThatThrownBy(pool::getConnection)
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("web may not call pg-b now");
    }
  }

  private static boolean serves(HikariDataSource pool) {
    try (Connection borrowed = pool.getConnection()) {
      return one(borrowed, "SELECT 1").equals("1");
    } catch (SQLException e) {
      return false;
    }
  }

  private static void aCancelGoesToTheServerOfTheStatement(Caller web) throws Exception {
    for (String type : new String[] {"primary", "secondary"}) {
      try (Connection connection =
              web.connect(URL + "&meshMultiHost=true&targetServerType=" + type);
          Statement statement = connection.createStatement()) {
        statement.setQueryTimeout(1);
        CompletableFuture<Throwable> ended =
            JdbcCast.ending(() -> statement.execute("SELECT pg_sleep(300)"));
        assertThat(ended.get())
            .isInstanceOf(SQLException.class)
            .extracting(e -> ((SQLException) e).getSQLState())
            .isEqualTo("57014");
        statement.setQueryTimeout(0);
        assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      }
    }
  }
}
