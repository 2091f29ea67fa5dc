package io.meshnative.internal.client;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The threads of one client: daemons, few, named after the service; or those that the application
 * injected.
 */
final class Workers implements AutoCloseable {
  private static final long KEEP_ALIVE_SECONDS = 10;
  private static final long CLOSE_SECONDS = 2;

  private final String service;
  private final AtomicInteger number = new AtomicInteger();
  private final @Nullable ExecutorService ownExecutor;
  private final @Nullable ScheduledThreadPoolExecutor ownScheduler;
  private final Executor executor;
  private final ScheduledExecutorService scheduler;

  Workers(
      String service, @Nullable Executor executor, @Nullable ScheduledExecutorService scheduler) {
    this.service = service;
    if (executor == null) {
      ownExecutor =
          new ThreadPoolExecutor(
              0,
              Integer
                  .MAX_VALUE, // bounded by what is submitted: each listener limits its handshakes
              KEEP_ALIVE_SECONDS,
              TimeUnit.SECONDS,
              new SynchronousQueue<>(),
              threads("worker"));
      this.executor = ownExecutor;
    } else {
      ownExecutor = null;
      this.executor = executor;
    }
    if (scheduler == null) {
      ownScheduler = new ScheduledThreadPoolExecutor(1, threads("timer"));
      ownScheduler.setRemoveOnCancelPolicy(true);
      ownScheduler.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
      this.scheduler = ownScheduler;
    } else {
      ownScheduler = null;
      this.scheduler = scheduler;
    }
  }

  ThreadFactory threads(String role) {
    return task -> {
      Thread thread =
          new Thread(task, "mesh-" + service + "-" + role + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  Executor executor() {
    return executor;
  }

  ScheduledExecutorService scheduler() {
    return scheduler;
  }

  /** Stops own threads; waits for them a moment, unless it is called on one of them. */
  @Override
  public void close() {
    if (ownScheduler != null) {
      ownScheduler.shutdownNow();
    }
    if (ownExecutor != null) {
      ownExecutor.shutdown();
    }
    boolean own = Thread.currentThread().getName().startsWith("mesh-" + service + "-");
    if (own) {
      return;
    }
    try {
      if (ownScheduler != null) {
        ownScheduler.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
      }
      if (ownExecutor != null && !ownExecutor.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        ownExecutor.shutdownNow();
      }
    } catch (InterruptedException e) {
      if (ownExecutor != null) {
        ownExecutor.shutdownNow();
      }
      Thread.currentThread().interrupt();
    }
  }
}
