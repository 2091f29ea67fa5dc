package io.meshnative.tests;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/**
 * Work beside a test, each task on a thread of its own: the common pool has a single one on two
 * cores from JDK 25 on, and two tasks that wait for each other would never run.
 */
final class Background {
  private static final Executor THREADS =
      task -> {
        Thread thread = new Thread(task, "test-background");
        thread.setDaemon(true);
        thread.start();
      };

  private Background() {}

  static <T> CompletableFuture<T> supply(Supplier<T> task) {
    return CompletableFuture.supplyAsync(task, THREADS);
  }

  static CompletableFuture<Void> run(Runnable task) {
    return CompletableFuture.runAsync(task, THREADS);
  }
}
