package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.StringReader;
import java.io.StringWriter;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.postgresql.copy.CopyManager;

/** What applications do with a PostgreSQL, whatever stands in front of it. */
enum PostgresWork {
  /** A login by SCRAM and a statement that is prepared. */
  PREPARED_STATEMENT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
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
  },

  /** By one fetch and by many. */
  LARGE_RESULT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("")) {
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
  },

  /** Rows in and out. */
  COPY {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
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
  },

  /** A batch that is written, and a transaction that is taken back. */
  BATCH_AND_TRANSACTION {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
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
  },

  /** It arrives while the listener waits. */
  NOTIFICATION {
    @Override
    void on(Database database) throws Exception {
      try (Connection listener = database.connect("");
          Connection notifier = database.connect("");
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
  },

  /** The kind of server that is asked for is found, and none of another kind. */
  TARGET_SERVER_TYPE {
    @Override
    void on(Database database) throws Exception {
      for (String type : new String[] {"any", "primary", "preferSecondary"}) {
        try (Connection connection = database.connect("?targetServerType=" + type)) {
          assertThat(one(connection, "SELECT pg_is_in_recovery()")).isEqualTo("f");
        }
      }
      assertThatThrownBy(() -> database.connect("?targetServerType=secondary"))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("secondary");
    }
  },

  /** It ends the statement and not the connection. */
  QUERY_TIMEOUT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
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
  },

  /** By the application, while the statement runs. */
  CANCEL {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
          Connection beside = database.connect("");
          Statement statement = connection.createStatement()) {
        String backend = one(connection, "SELECT pg_backend_pid()");
        CompletableFuture<Throwable> ended =
            Background.supply(() -> {
              try {
                statement.execute("SELECT pg_sleep(303)");
                return null;
              } catch (SQLException e) {
                return e;
              }
            });
        Cast.await(
            "the statement runs",
            () ->
                one(
                        beside,
                        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid = "
                            + backend
                            + " AND query LIKE '%pg_sleep(303)'")
                    .equals("1"));
        statement.cancel();
        assertThat(ended.get())
            .isInstanceOf(SQLException.class)
            .extracting(e -> ((SQLException) e).getSQLState())
            .isEqualTo("57014");
        assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      }
    }
  },

  /** It ends the connection. */
  READ_TIMEOUT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("?socketTimeout=1");
          Statement statement = connection.createStatement()) {
        long begun = System.nanoTime();
        assertThatThrownBy(() -> statement.execute("SELECT pg_sleep(300)"))
            .isInstanceOf(SQLException.class)
            .hasRootCauseInstanceOf(java.net.SocketTimeoutException.class);
        assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(1_000_000_000L);
        assertThat(connection.isClosed()).isTrue();
      }
    }
  };

  /** A way to a database. */
  @FunctionalInterface
  interface Database {
    /** Connects; the parameters begin with a question mark, or there are none. */
    Connection connect(String parameters) throws SQLException;
  }

  abstract void on(Database database) throws Exception;
}
