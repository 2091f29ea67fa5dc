package io.meshnative.httpserver;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Where requests run, and how long one may take to arrive. The JDK's server reads the handshake and
 * the head of a request in a blocking way and without end, on the thread of the request: a caller
 * that goes silent would keep it for ever. So each {@link Turn} has a deadline.
 */
final class Turns implements AutoCloseable {
  private static final Logger LOG = System.getLogger("io.meshnative.httpserver");
  private static final Duration IDLE = Duration.ofSeconds(30);

  private final Duration headTimeout;
  private final ScheduledThreadPoolExecutor deadlines;
  private final ThreadPoolExecutor own;

  Turns(String service, HttpServerLimits limits) {
    this.headTimeout = limits.headTimeout();
    this.deadlines =
        new ScheduledThreadPoolExecutor(1, threads("mesh-" + service + "-http-deadline"));
    this.deadlines.setRemoveOnCancelPolicy(true);
    this.own =
        new ThreadPoolExecutor(
            limits.threads(),
            limits.threads(),
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            threads("mesh-" + service + "-http"));
    this.own.allowCoreThreadTimeOut(true);
  }

  private static ThreadFactory threads(String name) {
    AtomicInteger number = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** Runs each task as a turn, on the executor given or on our own threads. */
  Executor on(@Nullable Executor given) {
    Executor executor = given == null ? own : given;
    return task -> {
      Thread dispatcher = Thread.currentThread();
      executor.execute(() -> {
        if (Thread.currentThread() == dispatcher) {
          // The JDK closes the connection then: under overload that is what a policy such as
          // caller-runs has to mean, and any other executor of this kind is a mistake.
          String why =
              "expected an executor with threads of its own, found one that runs tasks on the"
                  + " thread that dispatches connections: one silent caller would stop all others";
          LOG.log(Level.WARNING, why);
          throw new RejectedExecutionException(why);
        }
        new Turn(task, deadlines, headTimeout).run();
      });
    };
  }

  @Override
  public void close() {
    deadlines.shutdownNow();
    stop(own);
  }

  private static void stop(ExecutorService threads) {
    threads.shutdownNow();
  }
}
