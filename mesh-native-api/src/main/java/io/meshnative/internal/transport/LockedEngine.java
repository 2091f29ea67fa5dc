package io.meshnative.internal.transport;

import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;

/**
 * The engine and its one lock. Only CPU runs inside the lock, never I/O, so nobody waits long for
 * it. Every failure leaves as an {@link SSLException} whose text a person can read.
 */
final class LockedEngine {
  /**
   * Replies to KeyUpdates wait in the engine for our next write (RFC 8446 §4.6.3). A peer that asks
   * for more than this before we write has no honest reason, and each waiting reply costs memory.
   */
  private static final int MAX_WAITING_REPLIES = 1024;

  /** Replies that waited, an alert, close_notify; an engine that says more than this is broken. */
  static final int MAX_LAST_RECORDS = 2048;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SSLEngine engine;
  private final ReentrantLock lock = new ReentrantLock();
  private int waitingReplies;
  private volatile boolean failed;
  private volatile boolean disposing;
  private volatile boolean disposed;

  LockedEngine(SSLEngine engine) {
    this.engine = engine;
  }

  SSLEngine engine() {
    return engine;
  }

  /** Whether the engine has thrown: it may then have an alert to send. */
  boolean failed() {
    return failed;
  }

  SSLEngineResult wrap(ByteBuffer source, ByteBuffer target) throws SSLException {
    lock.lock();
    try {
      SSLEngineResult result = engine.wrap(source, target);
      if (result.bytesProduced() > 0) {
        waitingReplies = 0;
      }
      return result;
    } catch (SSLException | RuntimeException e) {
      throw failure(e);
    } finally {
      unlock();
    }
  }

  SSLEngineResult unwrap(ByteBuffer source, ByteBuffer target) throws SSLException {
    lock.lock();
    try {
      SSLEngineResult result = engine.unwrap(source, target);
      if (result.bytesProduced() == 0
          && result.getHandshakeStatus() == HandshakeStatus.NEED_WRAP
          && result.bytesConsumed() > 0
          && ++waitingReplies > MAX_WAITING_REPLIES) {
        throw new SSLException(
            "the peer sent more than "
                + MAX_WAITING_REPLIES
                + " messages that want a reply, and no"
                + " data; the connection is ended");
      }
      return result;
    } catch (SSLException | RuntimeException e) {
      throw failure(e);
    } finally {
      unlock();
    }
  }

  void beginHandshake() throws SSLException {
    lock.lock();
    try {
      engine.beginHandshake();
    } catch (SSLException | RuntimeException e) {
      throw failure(e);
    } finally {
      unlock();
    }
  }

  HandshakeStatus handshakeStatus() {
    lock.lock();
    try {
      return engine.getHandshakeStatus();
    } finally {
      unlock();
    }
  }

  boolean isInboundDone() {
    lock.lock();
    try {
      return engine.isInboundDone();
    } finally {
      unlock();
    }
  }

  /** Whether either direction has ended. */
  boolean isClosed() {
    lock.lock();
    try {
      return disposing || engine.isInboundDone() || engine.isOutboundDone();
    } finally {
      unlock();
    }
  }

  /** Runs what the engine delegates (JSSE only) on this thread, outside the lock. */
  void runTasks() throws SSLException {
    try {
      for (Runnable task = engine.getDelegatedTask();
          task != null;
          task = engine.getDelegatedTask()) {
        task.run();
      }
    } catch (RuntimeException e) {
      throw failure(e);
    }
  }

  void closeOutbound() {
    lock.lock();
    try {
      engine.closeOutbound();
    } finally {
      unlock();
    }
  }

  SSLSession session() {
    lock.lock();
    try {
      return engine.getSession();
    } finally {
      unlock();
    }
  }

  /**
   * Drives both directions to closed, which is when BoringSSL's memory is freed. What the engine
   * still wants to say goes nowhere. Never waits: if the engine is in use, its user does it on
   * leaving. So a thread that aborts may hold a lock that the engine's callbacks want.
   */
  void dispose() {
    disposing = true;
    disposeIfFree();
  }

  private void unlock() {
    lock.unlock();
    if (disposing && !disposed) {
      disposeIfFree();
    }
  }

  private void disposeIfFree() {
    if (lock.isHeldByCurrentThread() || !lock.tryLock()) {
      return;
    }
    try {
      if (!disposed) {
        disposed = true;
        quietly(engine::closeOutbound);
        quietly(this::drain);
        quietly(engine::closeInbound); // JSSE throws without the peer's close_notify
        quietly(this::drain);
      }
    } finally {
      lock.unlock();
    }
  }

  private interface Step {
    void run() throws SSLException;
  }

  private static void quietly(Step step) {
    try {
      step.run();
    } catch (SSLException | RuntimeException e) {
      // The channel has ended for a reason that is told already.
    }
  }

  private void drain() throws SSLException {
    if (engine.isOutboundDone() && engine.getHandshakeStatus() != HandshakeStatus.NEED_WRAP) {
      return;
    }
    ByteBuffer scratch = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    for (int record = 0; record < MAX_LAST_RECORDS; record++) {
      if (engine.wrap(NOTHING, scratch.clear()).bytesProduced() == 0) {
        return;
      }
    }
  }

  private SSLException failure(Exception failure) {
    failed = true;
    return failure instanceof SSLException ssl
        ? TlsAlerts.readable(ssl)
        : new SSLException("the TLS engine failed: " + failure.getClass().getName(), failure);
  }
}
