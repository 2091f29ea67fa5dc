package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Enters the service into the catalog once it is ready and its port is known, reports how it is,
 * and takes it out at the end. The timer only starts what blocks on an executor's thread.
 */
final class Enrolment {
  private static final Logger LOG = System.getLogger("io.meshnative.registration");
  private static final String REGISTRATION = "registration";
  private static final int LONGEST_NOTE = 4096;
  private static final Duration FIRST_RETRY = Duration.ofMillis(200);
  private static final Duration LAST_RETRY = Duration.ofSeconds(30);

  private final Registrar registrar;
  private final Workers workers;
  private final Clock clock;
  private final Consumer<MeshEvent> events;
  private final Supplier<MeshState> state;

  /** Held over the calls, so that an end waits for them and takes out what they entered. */
  private final ReentrantLock calling = new ReentrantLock();

  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by the lock.
  private Registration registration;
  private boolean ready;
  private boolean begun;
  private boolean ended;
  private @Nullable Future<?> next;
  private Report report = new Report(Check.Status.PASSING, "");

  // Guarded by the lock of the calls.
  private boolean registered;
  private int failures;

  /** How the application says it is. */
  private record Report(Check.Status status, String note) {}

  Enrolment(
      Registrar registrar,
      Registration registration,
      Workers workers,
      Clock clock,
      Consumer<MeshEvent> events,
      Supplier<MeshState> state) {
    this.registrar = registrar;
    this.registration = registration;
    this.workers = workers;
    this.clock = clock;
    this.events = events;
    this.state = state;
  }

  /** The client has its identity. */
  void ready() {
    lock.lock();
    try {
      ready = true;
    } finally {
      lock.unlock();
    }
    begin();
  }

  /** A listener has bound this port. */
  void listening(int port) {
    lock.lock();
    try {
      if (registration.port() == 0) {
        registration = registration.withPort(port);
      }
    } finally {
      lock.unlock();
    }
    begin();
  }

  /** The application says how it is. */
  void report(Check.Status status, String note) {
    Report told =
        new Report(
            Objects.requireNonNull(status, "status"),
            note.substring(0, Math.min(note.length(), LONGEST_NOTE)));
    lock.lock();
    try {
      if (told.equals(report)) {
        return;
      }
      report = told;
    } finally {
      lock.unlock();
    }
    stateChanged();
  }

  /** The catalog is told at once. */
  void stateChanged() {
    lock.lock();
    try {
      if (!begun || ended) {
        return;
      }
    } finally {
      lock.unlock();
    }
    execute();
  }

  private void begin() {
    lock.lock();
    try {
      if (begun || ended || !ready || registration.port() == 0) {
        return;
      }
      begun = true;
    } finally {
      lock.unlock();
    }
    execute();
  }

  private void execute() {
    try {
      workers.executor().execute(this::work);
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "not registered: the client is closing");
    }
  }

  private void work() {
    calling.lock();
    try {
      Registration wanted;
      Report said;
      lock.lock();
      try {
        if (ended) {
          return;
        }
        wanted = registration;
        said = report;
      } finally {
        lock.unlock();
      }
      schedule(call(wanted, said));
    } finally {
      calling.unlock();
    }
  }

  /** Registers, or reports; returns when to do so again. */
  private Duration call(Registration wanted, Report said) {
    try {
      if (!registered) {
        registrar.register(wanted);
        registered = true;
      }
      MeshState now = state.get();
      String client = "the mesh client is " + now;
      boolean serves = now == MeshState.READY || now == MeshState.STALE;
      Duration again =
          serves
              ? registrar.keepAlive(
                  said.status(), said.note().isEmpty() ? client : said.note() + "; " + client)
              : registrar.keepAlive(Check.Status.CRITICAL, client);
      if (failures > 0) {
        events.accept(new MeshEvent.ControlPlaneRecovered(clock.instant(), REGISTRATION));
      }
      failures = 0;
      return again;
    } catch (IOException
        | RuntimeException e) { // a registrar of the application's may fail in any way
      failures++;
      if (failures == 1) {
        IOException cause = e instanceof IOException io ? io : new IOException(e);
        events.accept(new MeshEvent.ControlPlaneFailed(clock.instant(), REGISTRATION, cause));
      }
      Duration doubled = FIRST_RETRY.multipliedBy(1L << Math.min(failures - 1, 8));
      long limit = (doubled.compareTo(LAST_RETRY) < 0 ? doubled : LAST_RETRY).toMillis();
      return Duration.ofMillis(limit / 2 + ThreadLocalRandom.current().nextLong(limit / 2 + 1));
    }
  }

  private void schedule(Duration after) {
    lock.lock();
    try {
      if (next != null) {
        next.cancel(false);
      }
      if (!ended) {
        next = workers.scheduler().schedule(this::execute, after.toMillis(), TimeUnit.MILLISECONDS);
      }
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "registration is not kept up: the client is closing");
    } finally {
      lock.unlock();
    }
  }

  /**
   * Hides the service from those who look for it, before it stops to answer; blocks for a few
   * seconds at most.
   *
   * @return whether it had been found before
   */
  boolean hide() {
    calling.lock();
    try {
      if (!registered) {
        return false;
      }
      if (!registrar.maintenance(true, "the service is shutting down")) {
        registrar.deregister();
        registered = false;
        stop();
      }
      return true;
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.WARNING, "the service could not be hidden before it ends", e);
      return false;
    } finally {
      calling.unlock();
    }
  }

  private boolean stop() {
    lock.lock();
    try {
      boolean first = !ended;
      ended = true;
      if (next != null) {
        next.cancel(false);
      }
      return first;
    } finally {
      lock.unlock();
    }
  }

  /** Takes the service out again; blocks for a few seconds at most. Idempotent. */
  void end() {
    if (!stop()) {
      return;
    }
    calling.lock();
    try {
      if (registered) {
        registered =
            false; // whoever comes after us, as a shutdown that is overtaken, finds nothing
        registrar.deregister();
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(
          Level.WARNING, "the service could not be deregistered; its checks will turn critical", e);
    } finally {
      calling.unlock();
    }
  }
}
