package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.ServiceInstance.Check;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Carries out the checks that the agent makes by itself, each until its instance is gone or
 * registered anew. Its daemon threads are there only while there are such checks.
 */
final class CheckRunner implements AutoCloseable {
  /** A look may block for its timeout; others go on meanwhile. */
  private static final int THREADS = 4;

  /** An agent spreads the first looks over the interval; there is no herd here. */
  private static final Duration FIRST = Duration.ofMillis(50);

  private final CatalogState catalog;
  private final ScheduledThreadPoolExecutor threads;

  CheckRunner(CatalogState catalog) {
    this.catalog = catalog;
    this.threads =
        new ScheduledThreadPoolExecutor(
            THREADS,
            work -> {
              Thread thread = new Thread(work, "embedded-plane-check");
              thread.setDaemon(true);
              return thread;
            });
    threads.setKeepAliveTime(1, TimeUnit.SECONDS);
    threads.allowCoreThreadTimeOut(true);
  }

  /** Begins with those of these checks that there is something to do for. */
  void begin(String instance, List<Check> checks) {
    for (Check check : checks) {
      Probe probe = check.probe;
      if (probe != null) {
        schedule(instance, check, probe, FIRST);
      }
    }
  }

  private void schedule(String instance, Check check, Probe probe, Duration after) {
    try {
      var unused =
          threads.schedule(
              () -> look(instance, check, probe), after.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // The plane is closed.
    }
  }

  private void look(String instance, Check check, Probe probe) {
    if (!catalog.has(instance, check)) {
      return;
    }
    Probe.Result result;
    try {
      result = probe.look();
    } catch (RuntimeException e) {
      result = Probe.Result.critical(String.valueOf(e.getMessage()));
    }
    if (catalog.found(instance, check, result.status(), result.output())) {
      schedule(instance, check, probe, check.interval);
    }
  }

  @Override
  public void close() {
    List<Runnable> unused = threads.shutdownNow();
  }
}
