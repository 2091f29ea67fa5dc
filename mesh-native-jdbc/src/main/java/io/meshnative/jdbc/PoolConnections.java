package io.meshnative.jdbc;

import java.io.PrintWriter;
import java.lang.ref.WeakReference;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What a pool makes its connections of, and in which epoch it made each. A withdrawal begins a new
 * epoch before the sockets are cut: a connection whose making began in an older one may be cut, and
 * is handed to nobody, whatever the pool still thinks of it.
 *
 * <p>The connections are the driver's own, known weakly and by identity.
 */
final class PoolConnections implements DataSource {
  private final DataSource source;
  private final AtomicLong epoch = new AtomicLong();
  private final AtomicLong generation = new AtomicLong();
  private final Queue<Made> made = new ConcurrentLinkedQueue<>();

  private record Made(WeakReference<Connection> connection, long epoch, long generation) {}

  PoolConnections(DataSource source) {
    this.source = source;
  }

  /** From now on, what is there already is not handed out any more. */
  void beginEpoch() {
    epoch.incrementAndGet();
  }

  /** Tells what is there already from what comes; connections of both kinds are good. */
  long beginGeneration() {
    return generation.incrementAndGet();
  }

  /** Whether a connection was begun in this epoch. One that is not known is none of ours. */
  boolean isOfThisEpoch(Connection connection) {
    Made one = of(connection);
    return one == null || one.epoch() == epoch.get();
  }

  boolean isOlderThan(Connection connection, long generation) {
    Made one = of(connection);
    return one != null && one.generation() < generation;
  }

  /** Whether an open connection is left from before a generation. */
  boolean hasOlderThan(long generation) {
    forgetClosed();
    return made.stream().anyMatch(one -> one.generation() < generation);
  }

  private @Nullable Made of(Connection connection) {
    for (Made one : made) {
      if (one.connection().get() == connection) {
        return one;
      }
    }
    return null;
  }

  private void forgetClosed() {
    made.removeIf(one -> {
      Connection held = one.connection().get();
      try {
        return held == null || held.isClosed();
      } catch (SQLException e) {
        return true;
      }
    });
  }

  private interface Making {
    Connection make() throws SQLException;
  }

  private Connection making(Making making) throws SQLException {
    long begunIn = epoch.get();
    long of = generation.get();
    Connection connection = making.make();
    forgetClosed();
    made.add(new Made(new WeakReference<>(connection), begunIn, of));
    if (epoch.get() != begunIn) {
      connection.close();
      throw new SQLException(
          "the right to call the database was withdrawn while the connection was made", "08001");
    }
    return connection;
  }

  @Override
  public Connection getConnection() throws SQLException {
    return making(source::getConnection);
  }

  @Override
  public Connection getConnection(String username, String password) throws SQLException {
    return making(() -> source.getConnection(username, password));
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(PrintWriter out) {}

  /** HikariCP offers its connection timeout; the driver's own properties count. */
  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException("there is none");
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    return source.unwrap(type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) throws SQLException {
    return source.isWrapperFor(type);
  }

  @Override
  public String toString() {
    return source.toString();
  }
}
