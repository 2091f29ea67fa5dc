package io.meshnative.internal.consul;

import java.time.Duration;

/** The daemon thread that repeats a watch until it is closed. */
final class WatchThread implements AutoCloseable {
  private static final Duration JOIN = Duration.ofSeconds(2);

  /** One round. */
  @FunctionalInterface
  interface Step {
    /** Works, and returns how long to pause. */
    Duration run() throws InterruptedException;
  }

  private final Calls calls;
  private final Thread thread;

  private WatchThread(String name, Calls calls, WatchClock clock, Step step) {
    this.calls = calls;
    this.thread =
        new Thread(
            () -> {
              try {
                while (!calls.isCancelled()) {
                  Duration pause = step.run();
                  if (!pause.isZero() && !calls.isCancelled()) {
                    clock.pause(pause);
                  }
                }
              } catch (InterruptedException e) {
                // closed: the thread ends
              }
            },
            name);
    this.thread.setDaemon(true);
  }

  static WatchThread start(String name, Calls calls, WatchClock clock, Step step) {
    WatchThread started = new WatchThread(name, calls, clock, step);
    started.thread.start();
    return started;
  }

  /** Ends a running call and the thread, and waits briefly for it. */
  @Override
  public void close() {
    calls.cancel();
    thread.interrupt();
    if (Thread.currentThread().equals(thread)) {
      return;
    }
    try {
      thread.join(JOIN.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
