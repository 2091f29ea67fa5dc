package io.meshnative.internal.client;

import io.meshnative.AuditRecord;
import io.meshnative.AuditSink;
import io.meshnative.MeshEvent;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Hands audit records to the application's sink, on a thread that does nothing else.
 *
 * <p>Invariants: {@link #accept} waits for nothing but a lock that is never held over the sink;
 * each record is handed over or counted as dropped, never both; the loss is told in the next
 * record.
 */
final class AuditTrail implements Consumer<AuditRecord>, AutoCloseable {
  private static final Logger LOG = System.getLogger("io.meshnative.audit");
  private static final String AUDIT = "audit";

  private final String service;
  private final AuditSink sink;
  private final Clock clock;
  private final Consumer<MeshEvent> events;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final Deque<AuditRecord> waiting = new ArrayDeque<>();
  private long dropped;
  private long untold;
  private boolean closed;

  // Confined to the thread.
  private long failures;
  private long loggedNanos = System.nanoTime() - TimeUnit.SECONDS.toNanos(2);

  AuditTrail(
      String service,
      AuditSink sink,
      ThreadFactory threads,
      Clock clock,
      Consumer<MeshEvent> events) {
    this.service = service;
    this.sink = sink;
    this.clock = clock;
    this.events = events;
    this.thread = threads.newThread(this::run);
  }

  void start() {
    thread.start();
  }

  /** How many records the sink has missed. */
  long dropped() {
    lock.lock();
    try {
      return dropped;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void accept(AuditRecord record) {
    boolean first = false;
    lock.lock();
    try {
      if (closed || waiting.size() >= AuditSink.CAPACITY) {
        first = !closed && untold == 0;
        dropped++;
        untold++;
      } else {
        waiting.add(untold == 0 ? record : record.withDroppedBefore(untold));
        untold = 0;
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
    if (first) {
      events.accept(
          new MeshEvent.Warning(
              clock.instant(),
              AUDIT,
              "expected an audit sink that keeps up, found "
                  + AuditSink.CAPACITY
                  + " records waiting for it: new ones are dropped and counted; is the sink stuck?"));
    }
  }

  private void run() {
    for (AuditRecord next = next(); next != null; next = next()) {
      try {
        sink.accept(next);
      } catch (InterruptedException e) {
        failed(e); // by close(), whose patience is over: then there is no next one
      } catch (Exception | Error e) {
        failed(e);
      }
    }
  }

  private @Nullable AuditRecord next() {
    lock.lock();
    try {
      while (waiting.isEmpty() && !closed) {
        changed.awaitUninterruptibly();
      }
      return waiting.poll();
    } finally {
      lock.unlock();
    }
  }

  /** A sink that fails with every record of a flood must not flood the log. */
  private void failed(Throwable failure) {
    failures++;
    long now = System.nanoTime();
    if (now - loggedNanos > TimeUnit.SECONDS.toNanos(1)) {
      loggedNanos = now;
      LOG.log(
          Level.WARNING,
          "["
              + service
              + "] the audit sink failed ("
              + failures
              + " times so far); the record is lost to it, the next one is handed over",
          failure);
    }
  }

  /** Hands over what waits, within bounds; takes nothing any more. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
    if (thread.getState() == Thread.State.NEW || Thread.currentThread().equals(thread)) {
      return; // the sink closes its own client: what waits is handed over when it returns
    }
    boolean interrupted = false;
    try {
      thread.join(TimeUnit.SECONDS.toMillis(AuditSink.CLOSE_SECONDS));
    } catch (InterruptedException e) {
      interrupted = true;
    }
    long left = giveUp();
    if (thread.isAlive()) {
      thread.interrupt();
      LOG.log(
          Level.WARNING,
          "["
              + service
              + "] the audit sink did not end within "
              + AuditSink.CLOSE_SECONDS
              + " s of closing; it is interrupted, and "
              + left
              + " records are dropped");
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private long giveUp() {
    lock.lock();
    try {
      long left = waiting.size();
      waiting.clear();
      dropped += left;
      return left;
    } finally {
      lock.unlock();
    }
  }
}
