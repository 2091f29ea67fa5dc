package io.meshnative.internal.client;

import io.meshnative.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Whom to tell that the client leaves: servers that accept by themselves. Each is told once, also
 * one that subscribes while it happens.
 */
final class Farewells {
  private static final Logger LOG = System.getLogger("io.meshnative");

  private final Executor executor;
  private final Set<Hearer> hearers = ConcurrentHashMap.newKeySet();
  private volatile boolean said;

  Farewells(Executor executor) {
    this.executor = executor;
  }

  Subscription subscribe(Runnable listener) {
    Hearer hearer = new Hearer(listener);
    hearers.add(hearer);
    if (said) {
      tell(hearer);
    }
    return () -> {
      hearer.told.set(true);
      hearers.remove(hearer);
    };
  }

  void say() {
    said = true;
    hearers.forEach(this::tell);
  }

  private void tell(Hearer hearer) {
    hearers.remove(hearer);
    try {
      executor.execute(hearer);
    } catch (RejectedExecutionException e) {
      hearer.run(); // the client is closed, and so are its threads
    }
  }

  private static final class Hearer implements Runnable {
    private final AtomicBoolean told = new AtomicBoolean();
    private final Runnable listener;

    Hearer(Runnable listener) {
      this.listener = listener;
    }

    @Override
    public void run() {
      if (told.compareAndSet(false, true)) {
        try {
          listener.run();
        } catch (RuntimeException | Error e) {
          LOG.log(Level.WARNING, "a server that was told to stop accepting failed", e);
        }
      }
    }
  }
}
