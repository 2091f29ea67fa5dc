package io.meshnative.internal.transport;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.concurrent.Executor;

/**
 * Runs what the application gave us on its executor.
 *
 * <p>Invariant: {@link #execute} never throws. A sweep that ends connections must reach the last
 * one, whatever the application's code or a saturated executor does; so a task that the executor
 * refuses gets a thread of its own, and cannot hold up the sweep either.
 */
final class Callbacks implements Executor {
  private static final Logger LOG = System.getLogger("io.meshnative.revocation");

  private final Executor executor;

  Callbacks(Executor executor) {
    this.executor = executor;
  }

  @Override
  public void execute(Runnable task) {
    Runnable guarded = () -> run(task);
    try {
      executor.execute(guarded);
    } catch (RuntimeException | Error e) {
      LOG.log(Level.DEBUG, "the executor takes no callback, so it runs on a thread of its own", e);
      onThreadOfItsOwn(guarded);
    }
  }

  private static void onThreadOfItsOwn(Runnable guarded) {
    try {
      Thread thread = new Thread(guarded, "mesh-callback");
      thread.setDaemon(true);
      thread.start();
    } catch (Error e) { // the process has no more threads
      LOG.log(Level.WARNING, "there is no thread for a callback, so it runs where it arose", e);
      guarded.run();
    }
  }

  private static void run(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      LOG.log(Level.WARNING, "a callback failed", e);
    }
  }
}
