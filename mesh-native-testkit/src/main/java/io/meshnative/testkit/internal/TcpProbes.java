package io.meshnative.testkit.internal;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Carries out the checks by which the agent sees whether sidecars listen. Its one thread is started
 * with the first sidecar. Thread-safe.
 */
final class TcpProbes implements AutoCloseable {
  /** Far oftener than Consul's ten seconds, so that a test need not wait for them. */
  private static final Duration INTERVAL = Duration.ofMillis(500);

  private static final int TIMEOUT_MILLIS = 1000;

  private final Plane plane;
  private @Nullable ScheduledExecutorService thread;
  private boolean closed;

  TcpProbes(Plane plane) {
    this.plane = plane;
  }

  synchronized void start() {
    if (thread == null && !closed) {
      ScheduledExecutorService started =
          Executors.newSingleThreadScheduledExecutor(body -> {
            Thread made = new Thread(body, "mesh-testkit-tcp-checks");
            made.setDaemon(true);
            return made;
          });
      thread = started;
      var unused =
          started.scheduleWithFixedDelay(
              this::probe, INTERVAL.toMillis(), INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void probe() {
    for (Map.Entry<String, String> check : plane.catalog.tcpChecks().entrySet()) {
      String address = check.getValue();
      int colon = address.lastIndexOf(':');
      String host = address.substring(0, colon);
      int port = Integer.parseInt(address.substring(colon + 1));
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(host, port), TIMEOUT_MILLIS);
        plane.catalog.tcpResult(check.getKey(), true, "TCP connect " + address + ": Success");
      } catch (IOException | IllegalArgumentException e) {
        plane.catalog.tcpResult(
            check.getKey(), false, "dial tcp " + address + ": connect: connection refused");
      }
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (thread != null) {
      thread.shutdownNow();
    }
  }
}
