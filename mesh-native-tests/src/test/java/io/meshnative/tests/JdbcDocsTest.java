package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.jdbc.MeshJdbcUrl;
import io.meshnative.tests.JdbcCast.Caller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The URLs of the documents are what the rewriter makes of them, and they work. */
@ExtendWith(Quiet.class)
class JdbcDocsTest {
  private static String url(String page, String kind) throws IOException {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(root.resolve("docs/jdbc"))) {
      root = root.getParent();
    }
    String text = Files.readString(root.resolve("docs/jdbc/" + page + ".md"));
    Matcher block = Pattern.compile("```" + kind + "\n(.+)\n```").matcher(text);
    assertThat(block.find()).as("a block %s in %s", kind, page).isTrue();
    return block.group(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"postgresql", "mysql", "mariadb", "sqlserver"})
  void theUrlBeforeBecomesTheUrlAfter(String page) throws IOException {
    assertThat(MeshJdbcUrl.rewrite(url(page, "before"))).isEqualTo(url(page, "after"));
  }

  @Test
  void theUrlOfSeveralServicesBecomesTheUrlAfter() throws IOException {
    assertThat(MeshJdbcUrl.rewrite(url("postgresql", "several-before")))
        .isEqualTo(url("postgresql", "several-after"));
  }

  private static void connects(DatabaseServer database, String... pages) throws Exception {
    try (database;
        EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      connects(cast, database.port(), pages);
    }
  }

  private static void connects(Cast cast, int port, String... pages) throws Exception {
    MeshClient served = cast.registered("orders-db");
    cast.keep(new Terminator(served, port));
    Caller orders = JdbcCast.caller(cast, "orders");
    Cast.awaitEndpoint(orders.mesh(), "orders-db");
    for (String page : pages) {
      try (Connection connection = orders.connect(url(page, "before"))) {
        assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      }
    }
  }

  @Test
  void theUrlOfSqlServerConnects() throws Exception {
    try (EmbeddedPlane plane = EmbeddedPlane.start(true);
        Cast cast = new Cast(plane)) {
      TdsResponder server =
          cast.keep(
              new TdsResponder(
                  TdsResponder.Encryption.OF_LOGIN, plane.plane().caIssue("sql-server")));
      connects(cast, server.port(), "sqlserver");
    }
  }

  @Test
  void theUrlOfPostgresqlConnects() throws Exception {
    RealPeers.requirePostgres();
    connects(DatabaseServer.postgres(), "postgresql");
  }

  @Test
  void theUrlsOfMysqlAndMariadbConnect() throws Exception {
    RealPeers.requireMariadb();
    connects(DatabaseServer.mariadb(), "mysql", "mariadb");
  }
}
