package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.MeshListener;
import io.meshnative.Subscription;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Delivers events to listeners, in order and one at a time, on the executor; logs them; remembers
 * the last denials. Accepting an event never blocks and never runs a listener on the caller's
 * thread.
 */
final class Events implements Consumer<MeshEvent> {
  private static final Logger LOG = System.getLogger("io.meshnative");
  private static final int MAX_DENIALS = 100;

  /** A listener that hangs must not cost the memory that a flood of denials could fill. */
  private static final int MAX_WAITING = 10_000;

  private static final int DENIALS_LOGGED_PER_SECOND = 10;

  private final String service;
  private final Executor executor;
  private final List<MeshListener> listeners = new CopyOnWriteArrayList<>();
  private final Queue<MeshEvent> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger pending = new AtomicInteger();
  private final AtomicBoolean dropping = new AtomicBoolean();
  private final AtomicLong dropped = new AtomicLong();
  private final Deque<MeshEvent.Denied> denials = new ArrayDeque<>();
  private final ReentrantLock denialLock = new ReentrantLock();
  private long denialSecond;
  private int denialsThisSecond;
  private long denialsUnlogged;

  Events(String service, Executor executor) {
    this.service = service;
    this.executor = executor;
  }

  Subscription subscribe(MeshListener listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  List<MeshEvent.Denied> lastDenials() {
    denialLock.lock();
    try {
      return new ArrayList<>(denials);
    } finally {
      denialLock.unlock();
    }
  }

  @Override
  public void accept(MeshEvent event) {
    log(event);
    if (listeners.isEmpty()) {
      return;
    }
    if (pending.get() >= MAX_WAITING) {
      dropped.incrementAndGet();
      if (dropping.compareAndSet(false, true)) {
        LOG.log(
            Level.WARNING,
            "["
                + service
                + "] a mesh listener is too slow: "
                + MAX_WAITING
                + " events wait, new ones are dropped");
      }
      return;
    }
    queue.add(event);
    if (pending.getAndIncrement() == 0) {
      try {
        executor.execute(this::drain);
      } catch (RuntimeException | Error e) {
        drain(); // the executor is closing, or full: the events are still delivered
      }
    }
  }

  private void drain() {
    do {
      MeshEvent event = queue.poll();
      if (event != null) {
        deliver(event);
      }
    } while (pending.decrementAndGet() > 0);
    if (dropping.compareAndSet(true, false)) {
      LOG.log(
          Level.WARNING,
          "["
              + service
              + "] the mesh listeners keep up again: "
              + dropped.getAndSet(0)
              + " events were dropped");
    }
  }

  private void deliver(MeshEvent event) {
    for (MeshListener listener : listeners) {
      try {
        listener.onEvent(event);
      } catch (RuntimeException | Error e) {
        // An error too: it would end the delivery for good.
        LOG.log(
            Level.WARNING,
            "[" + service + "] a mesh listener failed at " + event.getClass().getSimpleName(),
            e);
      }
    }
  }

  private void log(MeshEvent event) {
    if (event instanceof MeshEvent.Denied denied) {
      logDenial(denied);
      return;
    }
    LOG.log(level(event), () -> "[" + service + "] " + describe(event));
  }

  private static Level level(MeshEvent event) {
    boolean wantsAction =
        event instanceof MeshEvent.ControlPlaneFailed
            || event instanceof MeshEvent.UpdateRefused
            || event instanceof MeshEvent.Warning
            || (event instanceof MeshEvent.PolicyChanged policy && policy.defect().isPresent());
    if (wantsAction) {
      return Level.WARNING;
    }
    return event instanceof MeshEvent.EndpointsChanged || event instanceof MeshEvent.Retiring
        ? Level.DEBUG
        : Level.INFO;
  }

  private static String describe(MeshEvent event) {
    if (event instanceof MeshEvent.StateChanged e) {
      return e.from() + " -> " + e.to() + ": " + e.reason();
    }
    if (event instanceof MeshEvent.TrustChanged e) {
      return "trust generation "
          + e.generation()
          + ": "
          + e.id()
          + " until "
          + e.notAfter()
          + ", "
          + e.roots()
          + " roots";
    }
    if (event instanceof MeshEvent.PolicyChanged e) {
      return "policy "
          + e.version()
          + ": "
          + e.inbound()
          + " inbound intentions, default "
          + e.defaultDecision()
          + e.defect().map(defect -> "; EVERYTHING IS DENIED: " + defect).orElse("");
    }
    if (event instanceof MeshEvent.Withdrawn e) {
      return "cut " + e.direction() + " " + e.peer() + ": " + e.reason();
    }
    if (event instanceof MeshEvent.ControlPlaneFailed e) {
      return "control plane, " + e.source() + ": " + e.cause().getMessage();
    }
    if (event instanceof MeshEvent.ControlPlaneRecovered e) {
      return "control plane, " + e.source() + ": it answers again";
    }
    if (event instanceof MeshEvent.UpdateRefused e) {
      return "control plane, " + e.source() + ", not used: " + e.reason();
    }
    if (event instanceof MeshEvent.Warning e) {
      return e.source() + ": " + e.message();
    }
    return event.toString();
  }

  /** Denials come at an attacker's rate: a few a second are logged, the rest counted. */
  private void logDenial(MeshEvent.Denied denied) {
    String line = null;
    denialLock.lock();
    try {
      denials.addFirst(denied);
      if (denials.size() > MAX_DENIALS) {
        denials.removeLast();
      }
      long second = denied.at().getEpochSecond();
      if (second != denialSecond) {
        denialSecond = second;
        denialsThisSecond = 0;
      }
      if (denialsThisSecond < DENIALS_LOGGED_PER_SECOND) {
        denialsThisSecond++;
        line =
            "["
                + service
                + "] denied "
                + denied.direction()
                + denied.peer().map(id -> " " + id).orElse("")
                + denied.remote().map(remote -> " at " + remote).orElse("")
                + ": "
                + denied.reason()
                + (denialsUnlogged > 0 ? " (and " + denialsUnlogged + " more before this)" : "");
        denialsUnlogged = 0;
      } else {
        denialsUnlogged++;
      }
    } finally {
      denialLock.unlock();
    }
    if (line != null) {
      LOG.log(Level.WARNING, line);
    }
  }
}
