package io.meshnative.jdbc;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.jdbc.Invalidation.Cause;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a pool in step with the mesh.
 *
 * <ul>
 *   <li>A right is withdrawn, or the own identity ends: new dials are refused, then the pool is
 *       told to let go, then the sockets are cut. Nobody is handed one of them afterwards.
 *   <li>An endpoint leaves, or turns unhealthy: idle connections go, borrowed ones go on until they
 *       are returned, and are closed when their grace has passed.
 *   <li>Certificates are renewed: connections are replaced one after the other, within the time
 *       that the policy gives.
 * </ul>
 *
 * <p>Thread-safe. One daemon thread.
 */
public final class PoolGuard implements AutoCloseable {
  private static final Logger LOG = System.getLogger("io.meshnative.jdbc");

  private final MeshClient client;
  private final Destination destination;
  private final PoolPolicy policy;
  private final ConnectionInvalidator pool;
  private final ScheduledExecutorService worker;
  private final List<Subscription> subscriptions = new ArrayList<>();
  private volatile @Nullable EndpointSet endpoints;

  private PoolGuard(
      MeshClient client, Destination destination, PoolPolicy policy, ConnectionInvalidator pool) {
    this.client = Objects.requireNonNull(client, "client");
    this.destination = Objects.requireNonNull(destination, "destination");
    this.policy = Objects.requireNonNull(policy, "policy");
    this.pool = Objects.requireNonNull(pool, "pool");
    this.worker =
        Executors.newSingleThreadScheduledExecutor(task -> {
          Thread thread = new Thread(task, "mesh-" + client.service() + "-pool");
          thread.setDaemon(true);
          return thread;
        });
  }

  /**
   * Watches a pool until the guard is closed.
   *
   * @param client the client by which the pool's connections are dialled
   * @param destination the service that they go to
   * @param policy how to follow
   * @param pool the pool
   * @return the guard; close it after the pool
   */
  public static PoolGuard watch(
      MeshClient client, Destination destination, PoolPolicy policy, ConnectionInvalidator pool) {
    PoolGuard guard = new PoolGuard(client, destination, policy, pool);
    guard.subscriptions.add(client.onRetire(destination, guard::withdrawn));
    guard.subscriptions.add(client.watch(destination, guard::endpointsChanged));
    guard.subscriptions.add(client.subscribe(guard::onEvent));
    return guard;
  }

  private void withdrawn(Destination withdrawn, MeshException reason) {
    invalidate(Cause.WITHDRAWN, Duration.ZERO, String.valueOf(reason.getMessage()));
  }

  private void onEvent(MeshEvent event) {
    if (event instanceof MeshEvent.TrustChanged changed) {
      later(() ->
          invalidate(
              Cause.ROTATED,
              policy.rotation(),
              "the identity or the roots were renewed, generation " + changed.generation()));
    } else if (event instanceof MeshEvent.Retiring retiring && isOurs(retiring)) {
      // Of the time until the cut half is for connections that are borrowed at that moment.
      Duration left = Duration.between(retiring.at(), retiring.notAfter()).dividedBy(2);
      Duration within = left.compareTo(policy.rotation()) < 0 ? left : policy.rotation();
      later(() ->
          invalidate(
              Cause.ROTATED,
              within.isNegative() ? Duration.ZERO : within,
              "a connection's certificates end at " + retiring.notAfter()));
    } else if (event instanceof MeshEvent.Withdrawn withdrawn
        && withdrawn.destination().filter(destination::equals).isPresent()) {
      later(() -> invalidate(Cause.WITHDRAWN, Duration.ZERO, withdrawn.reason()));
    }
  }

  private boolean isOurs(MeshEvent.Retiring retiring) {
    return retiring.destination().filter(destination::equals).isPresent();
  }

  private void endpointsChanged(EndpointSet now) {
    endpoints = now;
    List<SSLSocket> left = socketsOfOthers(now);
    if (left.isEmpty()) {
      return;
    }
    invalidate(
        Cause.ENDPOINT_LEFT,
        Duration.ZERO,
        "an endpoint of " + destination + " has left, with " + left.size() + " connections");
    try {
      worker.schedule(
          () -> closeIfStillGone(left), policy.grace().toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // Closed: nobody watches any more.
    }
  }

  /** The sockets whose endpoint is not in the set. */
  private List<SSLSocket> socketsOfOthers(EndpointSet set) {
    List<SSLSocket> others = new ArrayList<>();
    for (OpenSockets.Opened opened : OpenSockets.ALL.of(client, destination)) {
      SSLSocket socket = opened.connected();
      if (socket != null
          && set.endpoints().stream().noneMatch(endpoint -> OpenSockets.isAt(socket, endpoint))) {
        others.add(socket);
      }
    }
    return others;
  }

  /** After the grace; an endpoint that came back keeps its connections. */
  private void closeIfStillGone(List<SSLSocket> sockets) {
    EndpointSet now = endpoints;
    Set<SSLSocket> gone =
        now == null ? Set.of() : socketsOfOthers(now).stream().collect(Collectors.toSet());
    for (SSLSocket socket : sockets) {
      if (gone.contains(socket)) {
        LOG.log(
            Level.INFO,
            "the endpoint of a borrowed connection to {0} left {1} ago; it is closed",
            destination,
            policy.grace());
        try {
          socket.close();
        } catch (IOException e) {
          LOG.log(Level.DEBUG, "closing a socket failed", e);
        }
      }
    }
  }

  /**
   * Lets the pool's connections go because the user that they are logged in as ends.
   *
   * @param within how much time there is; the policy's time for rotations, if that is less
   */
  void credentialsChanged(Duration within) {
    Duration time = within.compareTo(policy.rotation()) < 0 ? within : policy.rotation();
    later(() ->
        invalidate(
            Cause.CREDENTIALS_CHANGED,
            time.isNegative() ? Duration.ZERO : time,
            "the database's user was replaced"));
  }

  private void later(Runnable task) {
    try {
      worker.execute(task);
    } catch (RejectedExecutionException e) {
      // Closed: nobody watches any more.
    }
  }

  private void invalidate(Cause cause, Duration within, String reason) {
    LOG.log(Level.DEBUG, "connections to {0} go, {1}: {2}", destination, cause, reason);
    try {
      pool.invalidate(new Invalidation(cause, within, reason));
    } catch (RuntimeException e) {
      LOG.log(Level.WARNING, "a pool of " + destination + " failed to let go: " + cause, e);
    }
  }

  /** Stops watching; the pool stays as it is. */
  @Override
  public void close() {
    subscriptions.forEach(Subscription::close);
    worker.shutdownNow();
  }
}
