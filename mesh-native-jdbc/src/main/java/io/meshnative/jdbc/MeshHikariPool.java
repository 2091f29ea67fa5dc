package io.meshnative.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.Decision;
import io.meshnative.jdbc.Invalidation.Cause;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * See {@link MeshHikari}. A borrower is refused at once while the mesh would refuse the dial, and
 * gets no connection that was made before the last withdrawal.
 */
final class MeshHikariPool extends HikariDataSource {
  private static final Logger LOG = System.getLogger("io.meshnative.jdbc");

  private final PoolConnections connections;
  private final MeshClient client;
  private final List<Destination> destinations;
  private final List<PoolGuard> guards;
  private final @Nullable Subscription users;

  /** Borrows to evict, which waits where the pool is busy; never on a thread of the library. */
  private final ScheduledExecutorService ager;

  private volatile long ageing;

  /**
   * Makes a pool.
   *
   * @param lazy whether it connects when somebody borrows, and not before
   */
  static MeshHikariPool of(
      HikariConfig config,
      boolean lazy,
      PoolConnections connections,
      MeshClient client,
      List<Destination> destinations,
      PoolPolicy policy,
      @Nullable RefreshingCredentials credentials) {
    if (!lazy) {
      return new MeshHikariPool(config, connections, client, destinations, policy, credentials);
    }
    MeshHikariPool pool =
        new MeshHikariPool(connections, client, destinations, policy, credentials);
    config.copyStateTo(pool);
    return pool;
  }

  private MeshHikariPool(
      HikariConfig config,
      PoolConnections connections,
      MeshClient client,
      List<Destination> destinations,
      PoolPolicy policy,
      @Nullable RefreshingCredentials credentials) {
    super(config);
    this.connections = connections;
    this.client = client;
    this.destinations = destinations;
    this.ager = ager(client);
    this.guards = watch(policy);
    this.users = follow(credentials, policy);
  }

  private MeshHikariPool(
      PoolConnections connections,
      MeshClient client,
      List<Destination> destinations,
      PoolPolicy policy,
      @Nullable RefreshingCredentials credentials) {
    this.connections = connections;
    this.client = client;
    this.destinations = destinations;
    this.ager = ager(client);
    this.guards = watch(policy);
    this.users = follow(credentials, policy);
  }

  private static ScheduledExecutorService ager(MeshClient client) {
    return Executors.newSingleThreadScheduledExecutor(task -> {
      Thread thread = new Thread(task, "mesh-" + client.service() + "-ageing");
      thread.setDaemon(true);
      return thread;
    });
  }

  private List<PoolGuard> watch(PoolPolicy policy) {
    return destinations.stream()
        .map(destination -> PoolGuard.watch(client, destination, policy, this::invalidate))
        .toList();
  }

  private @Nullable Subscription follow(
      @Nullable RefreshingCredentials credentials, PoolPolicy policy) {
    return credentials == null
        ? null
        : credentials.onChange((before, now) ->
            guards
                .get(0)
                .credentialsChanged(
                    before
                        .expires()
                        .map(end -> Duration.between(Clock.systemUTC().instant(), end))
                        .orElse(policy.rotation())));
  }

  /** Throws what the mesh says where it would refuse every dial. */
  private void requireAllowed() throws SQLException {
    Decision.Denied first = null;
    for (Destination destination : destinations) {
      if (!(client.explain(destination) instanceof Decision.Denied denied)) {
        return;
      }
      first = first == null ? denied : first;
    }
    String message = client.service() + " may not call " + destinations.get(0) + " now";
    if (first == null) {
      throw new SQLTransientConnectionException(message, "08001");
    }
    String because = message + ": " + first.reason();
    throw new SQLTransientConnectionException(
        because, "08001", new MeshAuthorizationException(because, first));
  }

  @Override
  public Connection getConnection() throws SQLException {
    while (true) {
      requireAllowed();
      Connection borrowed = super.getConnection();
      if (connections.isOfThisEpoch(borrowed.unwrap(Connection.class))) {
        return borrowed;
      }
      evictConnection(borrowed);
      borrowed.close();
    }
  }

  private void invalidate(Invalidation why) {
    if (why.cause() == Cause.WITHDRAWN) {
      connections.beginEpoch();
    }
    if (why.within().isZero()) {
      evictNow();
    } else {
      ageOut(why.within());
    }
  }

  private void evictNow() {
    HikariPoolMXBean pool = getHikariPoolMXBean();
    if (pool != null && !isClosed()) {
      pool.softEvictConnections();
    }
  }

  /** Spreads the replacement of what the pool holds now evenly over a time. */
  private void ageOut(Duration within) {
    HikariPoolMXBean pool = getHikariPoolMXBean();
    if (pool == null || isClosed()) {
      return;
    }
    long generation = connections.beginGeneration();
    ageing = generation;
    int total = Math.max(1, pool.getTotalConnections());
    long pause = Math.max(1, within.toMillis() / (total + 1));
    plan(generation, total, pause);
  }

  private void plan(long generation, int left, long pauseMillis) {
    try {
      ager.schedule(
          () -> ageOne(generation, left, pauseMillis), pauseMillis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // Closed.
    }
  }

  /** Replaces one idle connection; at the end of the time, marks those that were never idle. */
  private void ageOne(long generation, int left, long pauseMillis) {
    if (generation != ageing || isClosed() || !connections.hasOlderThan(generation)) {
      return; // a later rotation has taken over, or all is done
    }
    if (left <= 0) {
      evictNow();
      return;
    }
    evictOneIdle(generation);
    plan(generation, left - 1, pauseMillis);
  }

  private void evictOneIdle(long generation) {
    HikariPoolMXBean pool = getHikariPoolMXBean();
    if (pool == null || pool.getIdleConnections() == 0 || pool.getThreadsAwaitingConnection() > 0) {
      return; // whoever waits comes first
    }
    // A thread that has returned none gets the idle one that was made first.
    try (Connection oldest = super.getConnection()) {
      if (connections.isOlderThan(oldest.unwrap(Connection.class), generation)) {
        evictConnection(oldest);
      }
    } catch (SQLException e) {
      LOG.log(Level.DEBUG, "no connection to replace for its age", e);
    }
  }

  @Override
  public void close() {
    if (users != null) {
      users.close();
    }
    if (guards != null) { // null while the superclass's constructor fails
      guards.forEach(PoolGuard::close);
      ager.shutdownNow();
    }
    super.close();
  }
}
