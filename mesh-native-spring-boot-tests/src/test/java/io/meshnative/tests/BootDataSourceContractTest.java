package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

/** {@code spring.datasource.url} names a service, behind which is a real PostgreSQL. */
class BootDataSourceContractTest {

  @SpringBootConfiguration
  @EnableAutoConfiguration
  static class Application {}

  private static int one(JdbcClient jdbc) {
    return jdbc.sql("SELECT 17").query(Integer.class).single();
  }

  private static void awaitOne(JdbcClient jdbc) {
    Cast.await(
        "it is served",
        () -> {
          try {
            return one(jdbc) == 17;
          } catch (DataAccessException e) {
            return false;
          }
        });
  }

  @ParameterizedTest(name = "{0}")
  @EnumSource(names = {"EMBEDDED", "CONSUL"})
  void thePoolLetsItsConnectionsGoWhenTheRightIsWithdrawn(PlaneKind kind) throws Exception {
    RealPeers.requirePostgres();
    try (Plane plane = kind.start(true);
        DatabaseServer postgres = DatabaseServer.postgres();
        Cast cast = new Cast(plane)) {
      cast.keep(new Terminator(cast.registered("orders-db"), postgres.port()));
      ConfigurableApplicationContext shop =
          cast.keep(
              Boot.start(
                  Application.class,
                  plane,
                  "spring.main.web-application-type=none",
                  "spring.datasource.url=jdbc:postgresql://orders-db.mesh/app",
                  "spring.datasource.username=" + DatabaseServer.USER,
                  "spring.datasource.password=" + DatabaseServer.PASSWORD,
                  "spring.datasource.hikari.maximum-pool-size=3",
                  "spring.datasource.hikari.initialization-fail-timeout=60000",
                  "spring.datasource.hikari.connection-timeout=5000"));
      MeshClient mesh = shop.getBean(MeshClient.class);
      HikariDataSource pool = shop.getBean(HikariDataSource.class);
      JdbcClient jdbc = shop.getBean(JdbcClient.class);
      awaitOne(jdbc);
      Cast.await("the pool is full", () -> pool.getHikariPoolMXBean().getIdleConnections() == 3);
      assertThat(mesh.snapshot().connections()).isNotEmpty();

      plane.deny(Boot.SHOP, "orders-db");

      Cast.await("the pool is empty", () -> pool.getHikariPoolMXBean().getTotalConnections() == 0);
      Cast.await("nothing is connected", () -> mesh.snapshot().connections().isEmpty());
      assertThatThrownBy(() -> one(jdbc))
          .satisfies(thrown ->
              assertThat(JdbcCast.chain(thrown))
                  .hasAtLeastOneElementOfType(MeshAuthorizationException.class));

      plane.allow(Boot.SHOP, "orders-db");

      awaitOne(jdbc);
    }
  }
}
