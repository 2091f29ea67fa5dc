package io.meshnative.internal.transport;

import io.meshnative.PeerRefusedException;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * One connected raw socket and one {@link SSLEngine}. Thread-safe; one thread may read while
 * another writes.
 *
 * <p><b>Locks.</b> The read lock holds the reader's buffers and the raw input, the write lock the
 * writer's buffer and the raw output; both are held across socket I/O. The engine lock lies inside
 * either and is never held over I/O. Only the handshake takes both (read, then write). After the
 * handshake a reader neither waits for a writer nor writes: the reply to a KeyUpdate stays in the
 * engine until our next write (RFC 8446 §4.6.3), so two peers that are both blocked in a write can
 * always be unblocked by their readers.
 *
 * <p><b>Endings.</b> The first ending wins, but for a plain close that an abort overrides. Every
 * ending closes the raw socket (which wakes blocked readers and writers), drives the engine to
 * closed in both directions and runs the hook, exactly once. Only a timed-out read is no ending: it
 * can be repeated, in mid-record too.
 *
 * <p><b>Interrupts.</b> No lock here is interruptible. A platform thread's I/O ignores its
 * interrupt, which stays set. The JDK closes the raw socket of a virtual thread that is interrupted
 * in blocking I/O: the channel then ends with that {@code SocketException}, and never with half a
 * record that somebody takes for a whole one.
 */
public final class TlsChannel {
  /** How long a handshake that nobody gave a budget may take. */
  static final int DEFAULT_HANDSHAKE_MILLIS = 10_000;

  /** How long the last words may block the closing thread. */
  private static final int GOODBYE_MILLIS = 500;

  private static final System.Logger LOG = System.getLogger(TlsChannel.class.getName());

  private final Socket raw;
  private final LockedEngine engine;
  private final String peer;
  private final ScheduledExecutorService scheduler;
  private final Runnable onClosed;

  private final ReentrantLock readLock = new ReentrantLock();
  private final ReentrantLock writeLock = new ReentrantLock();
  private final Inbound inbound;
  private final Outbound outbound;
  private final Negotiation negotiation;
  private final Refusal refusal;

  private final AtomicReference<@Nullable Ending> ending = new AtomicReference<>();
  private final AtomicBoolean notified = new AtomicBoolean();
  private volatile @Nullable Openings openings;
  private volatile @Nullable SSLSession session;
  private volatile int soTimeout;
  private volatile boolean inputShutdown;
  private volatile boolean outputShutdown;

  /**
   * Makes the channel, which owns socket and engine from now on. No I/O happens.
   *
   * @param raw connected
   * @param engine its client mode is set, its handshake not begun
   * @param peer whom messages name: the destination, or the remote address
   * @param scheduler closes raw sockets whose last write hangs; short tasks only
   * @param onClosed run exactly once when the channel has ended, on the thread that ended it; must
   *     not block
   * @throws IOException if the socket is not connected
   */
  public TlsChannel(
      Socket raw,
      SSLEngine engine,
      String peer,
      ScheduledExecutorService scheduler,
      Runnable onClosed)
      throws IOException {
    this.raw = raw;
    this.engine = new LockedEngine(engine);
    this.peer = peer;
    this.scheduler = scheduler;
    this.onClosed = onClosed;
    this.soTimeout = raw.getSoTimeout();
    this.inbound = new Inbound(this.engine, raw);
    this.outbound = new Outbound(this.engine, raw);
    this.negotiation = new Negotiation(raw, this.engine, inbound, outbound, scheduler);
    this.refusal = new Refusal(peer);
  }

  /**
   * Performs the handshake; does nothing if it is done. If it fails, the alert is sent (bounded, as
   * far as possible) and the channel has ended.
   *
   * @param budget for the whole of it
   * @return whether this call performed it
   * @throws SocketTimeoutException if the budget has passed
   * @throws PeerRefusedException if we are the client and the peer's alert speaks of our
   *     certificate
   * @throws SSLException if either side refuses
   * @throws IOException if the network fails, or the reason of an abort
   */
  public boolean handshake(Deadline budget) throws IOException {
    if (session != null) {
      return false;
    }
    readLock.lock();
    try {
      writeLock.lock();
      try {
        if (session != null) {
          return false;
        }
        throwIfEnded();
        SSLSession made = negotiate(budget);
        throwIfEnded();
        refusal.handshakeDone();
        session = made;
        return true;
      } catch (IOException | RuntimeException e) {
        throw failHandshake(e, budget);
      } finally {
        writeLock.unlock();
      }
    } finally {
      readLock.unlock();
    }
  }

  /** Ends the handshake with the client, whoever begins it and when; set before that. */
  void shakesIn(Openings openings) {
    this.openings = openings;
  }

  private SSLSession negotiate(Deadline budget) throws IOException {
    Openings entered = openings;
    if (entered == null) {
      return negotiation.run(budget);
    }
    try {
      entered.begin(this);
      return negotiation.run(budget);
    } finally {
      entered.end(this);
    }
  }

  /** Called with both locks held. */
  private IOException failHandshake(Exception failure, Deadline budget) {
    IOException told;
    if (budget.expired() && !(failure instanceof SSLException)) {
      told =
          new SocketTimeoutException(
              "no TLS handshake with " + peer + " within " + budget.budgetMillis() + " ms");
      told.initCause(failure);
    } else if (failure instanceof IOException io) {
      boolean reset = negotiation.hasAnswered() && io instanceof SocketException && !raw.isClosed();
      told = isClient() ? refusal.inHandshake(io, reset) : io;
    } else {
      told = new SSLHandshakeException("the TLS engine failed: " + failure.getClass().getName());
      told.initCause(failure);
    }
    if (ending.compareAndSet(null, Ending.because(told))) {
      if (failure instanceof SSLException && sayLast()) {
        negotiation.lingerForAlert();
      }
      release(false);
    }
    return endedOr(told);
  }

  /**
   * Reads at least one byte, performing the handshake first if need be.
   *
   * @return the number of bytes; 0 if none were asked for; -1 after the peer's close_notify or our
   *     own {@link #shutdownInput()}
   * @throws SocketTimeoutException after {@link #setSoTimeout}'s time; nothing is lost, read again
   * @throws PeerRefusedException if we are the client and no application byte has ever come in
   * @throws SSLException if the stream is truncated, broken or refused
   * @throws IOException if the network fails, if this side closed, or the reason of an abort
   */
  int read(byte[] bytes, int offset, int length) throws IOException {
    if (length == 0) {
      throwIfEnded();
      return 0;
    }
    handshakeIfNeeded();
    readLock.lock();
    try {
      throwIfEnded();
      int got = inputShutdown ? -1 : inbound.read(bytes, offset, length, soTimeout);
      if (got < 0) {
        throwIfEnded(); // a closed engine looks like one whose peer has said goodbye; a cut is none
      }
      return got;
    } catch (SocketTimeoutException e) {
      throw endedOr(e);
    } catch (IOException e) {
      if (inputShutdown && ending.get() == null) {
        return -1;
      }
      throw fail(e);
    } finally {
      unlockRead();
    }
  }

  /**
   * Tells how much can be read without waiting. Does not wait for another reader.
   *
   * @return bytes, 0 also at the end of the stream
   */
  int available() throws IOException {
    throwIfEnded();
    if (session == null || inputShutdown || !readLock.tryLock()) {
      return 0;
    }
    try {
      throwIfEnded();
      return inbound.available();
    } catch (SocketTimeoutException e) {
      return 0;
    } catch (IOException e) {
      throw fail(e);
    } finally {
      unlockRead();
    }
  }

  /** Writes all bytes; performs the handshake first if need be. Errors as for {@link #read}. */
  void write(byte[] bytes, int offset, int length) throws IOException {
    handshakeIfNeeded();
    boolean taken;
    writeLock.lock();
    try {
      throwIfEnded();
      taken = !outputShutdown && (length == 0 || outbound.write(bytes, offset, length));
    } catch (IOException e) {
      throw fail(e);
    } finally {
      unlockWrite();
    }
    if (!taken) {
      throw new SocketException(
          outputShutdown
              ? "Socket output is shutdown"
              : peer + " has sent close_notify and takes no more data");
    }
  }

  /**
   * Ends our direction with close_notify and goes on reading. May block as a write does. A TLS 1.2
   * peer, and BoringSSL in any version, answers by closing its own direction.
   */
  void shutdownOutput() throws IOException {
    handshakeIfNeeded();
    writeLock.lock();
    try {
      throwIfEnded();
      if (!outputShutdown) {
        outputShutdown = true;
        outbound.sayLast();
      }
    } catch (IOException e) {
      throw fail(e);
    } finally {
      unlockWrite();
    }
  }

  /** Makes every later read, and a blocked one, return -1. Tells the peer nothing. */
  void shutdownInput() throws IOException {
    throwIfEnded();
    inputShutdown = true;
    raw.shutdownInput();
  }

  /**
   * Ends the channel: close_notify if it can be sent at once (no writer is blocked, and the write
   * completes within half a second), then the raw socket. Idempotent, from any thread; wakes
   * readers and writers, whose calls fail with "Socket closed".
   */
  public void close() {
    if (ending.compareAndSet(null, Ending.closed())) {
      if (session != null && !outputShutdown) {
        sayLast();
      }
      release(false);
    }
  }

  /**
   * Ends the channel at once by a reset: bytes that were written but not delivered are dropped.
   * Every blocked and every later read and write fails: the first thread with the reason itself,
   * others with an {@code IOException} caused by it. Overrides a plain close, not an earlier
   * reason. Never blocks on the network.
   *
   * @param reason why, for the application
   */
  public void abort(IOException reason) {
    Ending made = Ending.because(reason);
    ending.updateAndGet(was -> was == null || was.isPlainClose() ? made : was);
    release(true);
  }

  /** Whether any byte has come from the peer, be it of the handshake. */
  boolean hasHeardPeer() {
    return inbound.hasReceived();
  }

  /** Whether the handshake waits for the peer now, and not for us. */
  boolean awaitsHandshakeOfPeer() {
    return inbound.awaitsHandshake();
  }

  /** Returns whether the channel has ended. */
  public boolean isClosed() {
    return ending.get() != null;
  }

  boolean isInputShutdown() {
    return inputShutdown;
  }

  boolean isOutputShutdown() {
    return outputShutdown;
  }

  /**
   * Returns the session of the finished handshake.
   *
   * @return null before; stays after the end
   */
  public @Nullable SSLSession session() {
    return session;
  }

  /**
   * The engine, for settings before the handshake and for questions; wrap and unwrap are ours
   * alone.
   */
  SSLEngine engine() {
    return engine.engine();
  }

  /** The raw socket, for addresses and options but the timeout; its streams are ours alone. */
  Socket raw() {
    return raw;
  }

  int soTimeout() {
    return soTimeout;
  }

  /** Bounds each read from the next one on, as a whole; milliseconds, 0 for none. */
  void setSoTimeout(int millis) throws SocketException {
    if (millis < 0) {
      throw new IllegalArgumentException("expected a timeout of 0 ms or more, found " + millis);
    }
    if (isClosed()) {
      throw new SocketException("Socket is closed");
    }
    soTimeout = millis;
  }

  /** As {@link #handshake(Deadline)}, with the default budget. */
  boolean handshakeIfNeeded() throws IOException {
    return session == null && handshake(Deadline.afterMillis(DEFAULT_HANDSHAKE_MILLIS));
  }

  /** Ends the channel because of a failed read or write, and tells what to throw. */
  private IOException fail(IOException failure) {
    if (ending.get() != null) {
      return endedOr(failure);
    }
    IOException told = refusalOr(failure);
    if (ending.compareAndSet(null, Ending.because(told))) {
      if (failure instanceof SSLException) {
        sayLast();
      }
      release(false);
    }
    return endedOr(told);
  }

  private IOException refusalOr(IOException failure) {
    if (!isClient() || session == null || inbound.heard()) {
      return failure;
    }
    boolean reset = failure instanceof SocketException && !raw.isClosed();
    SSLException alert = reset ? alertBehindReset() : null;
    return inbound.heard() ? failure : refusal.afterHandshake(failure, reset, alert);
  }

  /** A write met the reset; the alert that came before it may still lie in our receive buffer. */
  private @Nullable SSLException alertBehindReset() {
    if (!readLock.tryLock()) {
      return null;
    }
    try {
      inbound.available();
    } catch (SSLException e) {
      return TlsAlerts.received(e) != null ? e : null;
    } catch (IOException e) {
      return null;
    } finally {
      readLock.unlock();
    }
    return null;
  }

  private boolean isClient() {
    return engine.engine().getUseClientMode();
  }

  void throwIfEnded() throws IOException {
    Ending ended = ending.get();
    if (ended != null) {
      throw ended.exception();
    }
  }

  private IOException endedOr(IOException otherwise) {
    Ending ended = ending.get();
    return ended != null ? ended.exception() : otherwise;
  }

  /** The last words, unless somebody is writing; bounded. Returns whether any were sent. */
  private boolean sayLast() {
    if (!writeLock.tryLock()) {
      return false;
    }
    try {
      WriteGuard guard = WriteGuard.arm(scheduler, raw, GOODBYE_MILLIS);
      try {
        return outbound.sayLast();
      } finally {
        guard.disarm();
      }
    } catch (IOException e) {
      return false; // Best effort: the ending has its reason already.
    } finally {
      writeLock.unlock();
    }
  }

  private void release(boolean reset) {
    if (reset) {
      try {
        raw.setSoLinger(true, 0);
      } catch (SocketException e) {
        // Closed already: what the kernel has queued can no longer be recalled.
      }
    }
    RawSockets.closeQuietly(raw);
    engine.dispose();
    if (readLock.tryLock()) {
      unlockRead();
    }
    if (writeLock.tryLock()) {
      unlockWrite();
    }
    if (notified.compareAndSet(false, true)) {
      try {
        onClosed.run();
      } catch (RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "the hook of a closed connection failed", e);
      }
    }
  }

  private void unlockRead() {
    if (ending.get() != null && readLock.getHoldCount() == 1) {
      inbound.release();
    }
    readLock.unlock();
  }

  private void unlockWrite() {
    if (ending.get() != null && writeLock.getHoldCount() == 1) {
      outbound.release();
    }
    writeLock.unlock();
  }

  @Override
  public String toString() {
    return (isClient() ? "to " : "from ") + peer + " at " + raw.getRemoteSocketAddress();
  }
}
