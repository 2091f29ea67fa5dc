package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.tests.JdbcCast.Caller;
import java.sql.SQLException;
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
    MariadbWork.PREPARED_STATEMENT.on(at(driver));
    assertThat(driver.version()).matches("8\\.0|26\\.10|3\\.5|4\\.0");
  }

  @ParameterizedTest
  @EnumSource(DriverKind.class)
  void whatApplicationsDoWorks(DriverKind driver) throws Exception {
    for (MariadbWork work : MariadbWork.values()) {
      if (work != MariadbWork.PREPARED_STATEMENT) {
        work.on(at(driver));
      }
    }
  }

  private MariadbWork.Database at(DriverKind driver) {
    return parameters -> driver.connect(web, "//db/app" + parameters);
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
