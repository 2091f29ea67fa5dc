package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.discovery.Registration;
import io.meshnative.spi.Registrar;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** Enters the service into the catalog once it is ready and its port is known, and takes it out at the end. */
final class Enrolment {
  private static final Logger LOG = System.getLogger("io.meshnative.registration");
  private static final String REGISTRATION = "registration";
  private static final long FIRST_RETRY_MILLIS = 200;
  private static final long LAST_RETRY_MILLIS = 30_000;

  private final Registrar registrar;
  private final Workers workers;
  private final Clock clock;
  private final Consumer<MeshEvent> events;

  /** Guards the fields; never held over a call, or listen() would wait for the control plane. */
  private final ReentrantLock lock = new ReentrantLock();

  private final ReentrantLock calling = new ReentrantLock();
  private Registration registration;
  private boolean ready;
  private boolean begun;
  private boolean ended;

  Enrolment(
      Registrar registrar, Registration registration, Workers workers, Clock clock, Consumer<MeshEvent> events) {
    this.registrar = registrar;
    this.registration = registration;
    this.workers = workers;
    this.clock = clock;
    this.events = events;
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
        registration =
            new Registration(
                registration.id(),
                registration.address(),
                port,
                registration.tags(),
                registration.meta(),
                registration.weight());
      }
    } finally {
      lock.unlock();
    }
    begin();
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
    attempt(FIRST_RETRY_MILLIS);
  }

  private void attempt(long retryMillis) {
    try {
      workers.executor().execute(() -> register(retryMillis));
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "not registered: the client is closing");
    }
  }

  /** One call at a time, so that an end waits for it and takes out what it entered. */
  private void register(long retryMillis) {
    calling.lock();
    try {
      Registration entry;
      lock.lock();
      try {
        if (ended) {
          return;
        }
        entry = registration;
      } finally {
        lock.unlock();
      }
      registrar.register(entry);
      if (retryMillis > FIRST_RETRY_MILLIS) {
        events.accept(new MeshEvent.ControlPlaneRecovered(clock.instant(), REGISTRATION));
      }
    } catch (IOException | RuntimeException e) {
      if (retryMillis == FIRST_RETRY_MILLIS) {
        IOException cause = e instanceof IOException io ? io : new IOException(e);
        events.accept(new MeshEvent.ControlPlaneFailed(clock.instant(), REGISTRATION, cause));
      }
      long next = Math.min(retryMillis * 2, LAST_RETRY_MILLIS);
      try {
        workers.scheduler().schedule(() -> attempt(next), retryMillis, TimeUnit.MILLISECONDS);
      } catch (RejectedExecutionException closing) {
        LOG.log(Level.DEBUG, "registration is not retried: the client is closing");
      }
    } finally {
      calling.unlock();
    }
  }

  /** Takes the service out again; blocks for a few seconds at most. Idempotent. */
  void end() {
    boolean entered;
    lock.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      entered = begun;
    } finally {
      lock.unlock();
    }
    if (!entered) {
      return;
    }
    calling.lock();
    try {
      registrar.deregister();
    } catch (IOException | RuntimeException e) {
      LOG.log(Level.WARNING, "the service could not be deregistered; its checks will turn critical", e);
    } finally {
      calling.unlock();
    }
  }
}
