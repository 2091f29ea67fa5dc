package io.meshnative.tests;

import static io.meshnative.tests.JdbcCast.one;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.util.concurrent.CompletableFuture;

/** What applications do with a MariaDB, by its own drivers and MySQL's, whatever is in front. */
enum MariadbWork {
  /** A login and a statement that the server prepares. */
  PREPARED_STATEMENT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection =
              database.connect("?useServerPrepStmts=true&connectTimeout=60000");
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
      }
    }
  },

  /** It comes whole. */
  LARGE_RESULT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
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
  },

  /** A batch that is written, and a transaction that is taken back. */
  BATCH_AND_TRANSACTION {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("?rewriteBatchedStatements=true");
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
  },

  /** It ends the statement and not the connection. */
  QUERY_TIMEOUT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("");
          Statement statement = connection.createStatement()) {
        statement.setQueryTimeout(1);
        // A sleep that is cut short is a result to MariaDB, and work is an error.
        assertThatThrownBy(() -> statement.executeQuery(WORK)).isInstanceOf(SQLException.class);
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
        String number = one(connection, "SELECT CONNECTION_ID()");
        CompletableFuture<Throwable> ended =
            Background.supply(() -> {
              try {
                statement.executeQuery(WORK);
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
                        "SELECT COUNT(*) FROM information_schema.processlist WHERE id = "
                            + number
                            + " AND command = 'Query'")
                    .equals("1"));
        statement.cancel();
        assertThat(ended.get()).isInstanceOf(SQLException.class);
        assertThat(one(connection, "SELECT 1")).isEqualTo("1");
      }
    }
  },

  /** It ends the connection. */
  READ_TIMEOUT {
    @Override
    void on(Database database) throws Exception {
      try (Connection connection = database.connect("?socketTimeout=1000");
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
  };

  private static final String WORK =
      "SELECT COUNT(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b WHERE a.seq + b.seq < 0";

  /** A way to a database, by some driver. */
  @FunctionalInterface
  interface Database {
    /** Connects; the parameters begin with a question mark, or there are none. */
    Connection connect(String parameters) throws SQLException;
  }

  abstract void on(Database database) throws Exception;
}
