package io.meshnative.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A way from a driver in this JVM to a database. Connections are kept as a pool does it, and one is
 * made for each caller that finds none.
 */
final class JdbcPath implements CallPath, AutoCloseable {
  /** What is done. */
  enum Work {
    /** A statement that the server has prepared: one round trip. */
    SELECT("SELECT 1"),
    /** A connection and its end. The user has no password, whose check would be most of it. */
    CONNECT(""),
    /** Rows of a table, some thousand at a time. */
    FETCH("SELECT id, text FROM bulk");

    private final String sql;

    Work(String sql) {
      this.sql = sql;
    }
  }

  private static final int ROWS_AT_A_TIME = 5_000;

  private record Prepared(Connection connection, PreparedStatement statement) {}

  private final String name;
  private final String url;
  private final Work work;
  private final List<Process> others;
  private final Queue<Prepared> idle = new ConcurrentLinkedQueue<>();

  /**
   * Makes a path; connects nothing yet.
   *
   * @param name for the table
   * @param url with the user
   * @param work what a call is
   * @param others the processes in between, and the database
   */
  JdbcPath(String name, String url, Work work, List<Process> others) {
    this.name = name;
    this.url = url;
    this.work = work;
    this.others = others;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public List<Process> others() {
    return others;
  }

  @Override
  public long othersCpuNanos() {
    try {
      long nanos = 0;
      for (Process other : others) {
        nanos += ProcessTree.cpuNanos(other);
      }
      return nanos;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The drivers' own limits hold, whatever the patience. */
  @Override
  public void call(int patienceMillis) throws IOException {
    try {
      if (work == Work.CONNECT) {
        connect().close();
      } else {
        Prepared held = idle.poll();
        Prepared used = held == null ? prepared() : held;
        ask(used.statement());
        idle.add(used);
      }
    } catch (SQLException e) {
      throw new IOException("expected an answer over " + name, e);
    }
  }

  /** The first column of the only row. */
  String one(String sql) throws SQLException {
    try (Connection connection = connect();
        PreparedStatement statement = connection.prepareStatement(sql);
        ResultSet result = statement.executeQuery()) {
      result.next();
      return result.getString(1);
    }
  }

  private Connection connect() throws SQLException {
    return DriverManager.getConnection(url);
  }

  private Prepared prepared() throws SQLException {
    Connection connection = connect();
    PreparedStatement statement = connection.prepareStatement(work.sql);
    if (work == Work.FETCH) {
      connection.setAutoCommit(false); // else the driver takes all rows at once
      statement.setFetchSize(ROWS_AT_A_TIME);
    }
    return new Prepared(connection, statement);
  }

  private void ask(PreparedStatement statement) throws SQLException, IOException {
    try (ResultSet result = statement.executeQuery()) {
      long rows = 0;
      long bytes = 0;
      while (result.next()) {
        rows++;
        if (work == Work.FETCH) {
          bytes += result.getBytes(2).length;
        }
      }
      long expected = work == Work.FETCH ? Database.ROWS : 1;
      if (rows != expected || (work == Work.FETCH && bytes != expected * Database.ROW_BYTES)) {
        throw new IOException(
            "expected " + expected + " rows over " + name + ", found " + rows + " of " + bytes);
      }
    }
  }

  @Override
  public void close() throws SQLException {
    for (Prepared held = idle.poll(); held != null; held = idle.poll()) {
      held.connection().close();
    }
  }
}
