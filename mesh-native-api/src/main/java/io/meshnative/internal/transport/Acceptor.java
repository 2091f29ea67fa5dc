package io.meshnative.internal.transport;

import io.meshnative.ListenOptions;
import io.meshnative.MeshServerSocket;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TlsEngines;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Listens: one thread takes TCP connections, the executor does the handshakes, {@link #accept}
 * hands over those that passed.
 *
 * <p>Invariants: no handshake runs on the accepting thread; every connection that was taken holds
 * exactly one permit until it ends; what was not handed over is closed when this socket closes.
 *
 * <p>Clients that do not go on: where all slots are taken, a newcomer (one at a time; the rest
 * waits in the backlog) gets the slot of the oldest handshake from which no byte has come for
 * {@value #SILENCE_MILLIS} ms; where there is none, of the oldest that is older than {@value
 * #STALL_MILLIS} ms and waits for its peer. So nobody holds a slot that is wanted for much longer
 * than that, however slowly he drips.
 */
public final class Acceptor extends MeshServerSocket {
  private static final Logger LOG = System.getLogger("io.meshnative.listen");
  private static final long FAILURE_PAUSE_MILLIS = 50;

  /** How long a peer may keep silent while others wait for its slot. */
  private static final long SILENCE_MILLIS = 250;

  /**
   * How long a handshake that has begun may take while others wait for its slot and it waits for
   * its peer: two round trips across the world, one of them lost and sent again.
   */
  private static final long STALL_MILLIS = 2000;

  private static final long LOOK_MILLIS = 10;

  /** A connection that passed; or the mark that wakes waiting accepts when this socket closes. */
  private record Ready(@Nullable MeshSocket socket) {}

  private final TlsEngines engines;
  private final Terms.Inbound terms;
  private final ListenOptions options;
  private final Executor executor;
  private final ScheduledExecutorService scheduler;
  private final Consumer<Acceptor> onClosed;
  private final Semaphore handshakes;
  private final Semaphore connections;
  private final BlockingQueue<Ready> ready = new LinkedBlockingQueue<>();

  /** In the order in which they were taken. */
  private final Queue<Handshake> shaking = new ConcurrentLinkedQueue<>();

  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile int acceptTimeoutMillis;
  private long limitWarnedNanos = System.nanoTime() - TimeUnit.SECONDS.toNanos(2);

  public Acceptor(
      TlsEngines engines,
      Terms.Inbound terms,
      ListenOptions options,
      Executor executor,
      ScheduledExecutorService scheduler,
      ThreadFactory threads,
      SocketAddress address,
      Consumer<Acceptor> onClosed)
      throws IOException {
    this.engines = engines;
    this.terms = terms;
    this.options = options;
    this.executor = executor;
    this.scheduler = scheduler;
    this.onClosed = onClosed;
    this.handshakes = new Semaphore(options.maxHandshakes());
    this.connections = new Semaphore(options.maxConnections());
    try {
      setReuseAddress(true);
      bind(address, options.backlog());
    } catch (IOException | RuntimeException e) {
      super.close();
      throw e;
    }
    try {
      threads.newThread(this::acceptRaw).start();
    } catch (RuntimeException | Error e) {
      super.close();
      throw e;
    }
  }

  private void acceptRaw() {
    while (!closed.get()) {
      Socket raw = new Socket();
      try {
        implAccept(raw);
        begin(raw);
      } catch (InterruptedException e) {
        RawSockets.closeQuietly(
            raw); // whoever interrupted us is mistaken: only close() ends a listener
      } catch (IOException | RuntimeException | Error e) {
        // An error too, such as no more threads: a listener that died would look like one that
        // nobody calls.
        RawSockets.closeQuietly(raw);
        if (!closed.get()) {
          LOG.log(Level.WARNING, "accepting on port " + getLocalPort() + " failed; going on", e);
          pause();
        }
      }
    }
  }

  /** An accept that fails at once, as for lack of file descriptors, must not spin. */
  private void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(FAILURE_PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void begin(Socket raw) throws InterruptedException {
    if (!connections.tryAcquire()) {
      RawSockets.closeQuietly(raw);
      warnOfLimit();
      return;
    }
    Handshake handshake = new Handshake(raw);
    boolean begun = false;
    try {
      if (handshake.awaitSlot()) {
        executor.execute(() -> shake(handshake));
        begun = true;
      }
    } catch (RejectedExecutionException e) {
      LOG.log(Level.DEBUG, "the executor takes no handshake; the connection is closed", e);
    } finally {
      if (!begun) {
        handshake.end();
      }
    }
  }

  private void warnOfLimit() {
    long now = System.nanoTime();
    if (now - limitWarnedNanos > TimeUnit.SECONDS.toNanos(1)) {
      limitWarnedNanos = now;
      LOG.log(
          Level.WARNING,
          () ->
              "closed a connection: "
                  + options.maxConnections()
                  + " are open, the limit of this listener");
    }
  }

  /**
   * One connection that was taken, until it is handed over or ended; gives back each permit once.
   */
  private final class Handshake {
    private final Socket raw;
    private final long since = System.nanoTime();
    private final AtomicBoolean counted = new AtomicBoolean(true);
    private final AtomicBoolean slot = new AtomicBoolean();
    private volatile @Nullable TlsChannel channel;

    Handshake(Socket raw) {
      this.raw = raw;
    }

    /**
     * Waits for a slot. Where all are taken, the oldest handshake whose peer has kept silent, or
     * has stalled, makes room.
     *
     * @return false if the listener was closed
     */
    boolean awaitSlot() throws InterruptedException {
      while (!handshakes.tryAcquire()) {
        if (closed.get()) {
          return false;
        }
        if (!dropOldestSilent()) {
          dropOldestStalled();
        }
        if (handshakes.tryAcquire(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
          break;
        }
      }
      slot.set(true);
      shaking.add(this);
      return !closed.get();
    }

    /** Whether not a single byte has come. */
    boolean isSilent() {
      TlsChannel present = channel;
      if (present != null && present.hasHeardPeer()) {
        return false;
      }
      try {
        return raw.getInputStream().available() == 0;
      } catch (IOException e) {
        return true; // closed: whoever owns it is about to find out
      }
    }

    /** Whether the next byte is the peer's to send. */
    boolean awaitsPeer() {
      TlsChannel present = channel;
      return present != null && present.awaitsHandshakeOfPeer();
    }

    boolean isOlderThan(long millis, long now) {
      return now - since >= TimeUnit.MILLISECONDS.toNanos(millis);
    }

    void freeSlot() {
      if (slot.compareAndSet(true, false)) {
        shaking.remove(this);
        handshakes.release();
      }
    }

    void uncount() {
      if (counted.compareAndSet(true, false)) {
        connections.release();
      }
    }

    /** Ends it without a word; the thread that shakes hands wakes up. */
    void end() {
      RawSockets.closeQuietly(raw);
      freeSlot();
      uncount();
    }

    void close() {
      TlsChannel present = channel;
      if (present != null) {
        present.close();
      } else {
        end();
      }
    }
  }

  /**
   * Only under pressure, and only after a grace: an honest client says hello as soon as it is
   * connected.
   */
  private boolean dropOldestSilent() {
    return dropOldest(SILENCE_MILLIS, Handshake::isSilent, "silent");
  }

  private void dropOldestStalled() {
    boolean unused = dropOldest(STALL_MILLIS, Handshake::awaitsPeer, "stalled");
  }

  private boolean dropOldest(long afterMillis, Predicate<Handshake> idle, String what) {
    long now = System.nanoTime();
    for (Handshake oldest : shaking) {
      if (!oldest.isOlderThan(afterMillis, now)) {
        return false; // all others are younger
      }
      if (idle.test(oldest)) {
        LOG.log(
            Level.DEBUG,
            () ->
                "dropped the "
                    + what
                    + " "
                    + oldest.raw.getRemoteSocketAddress()
                    + " for a newcomer");
        oldest.end();
        return true;
      }
    }
    return false;
  }

  private void shake(Handshake handshake) {
    try {
      TlsChannel channel = channel(handshake.raw, handshake::uncount);
      handshake.channel = channel;
      if (closed.get()) {
        channel.close();
        return;
      }
      channel.handshake(
          Deadline.afterMillis(clamp(TimeUnit.MILLISECONDS.convert(options.handshakeTimeout()))));
      handshake.freeSlot();
      handshake.channel = null; // the application's now: we must not keep it from being collected
      handOver(new MeshSocket(channel));
    } catch (IOException e) {
      // A refusal was reported with its reason where it was decided; the rest is the internet's
      // noise.
      LOG.log(
          Level.DEBUG,
          () ->
              "no connection from "
                  + handshake.raw.getRemoteSocketAddress()
                  + ": "
                  + PeerText.oneLine(e.getMessage()));
      handshake.end();
    } catch (RuntimeException | Error e) {
      LOG.log(
          Level.WARNING, "a handshake failed in an unexpected way; the connection is closed", e);
      handshake.end();
    } finally {
      handshake.freeSlot();
    }
  }

  private TlsChannel channel(Socket raw, Runnable uncount) throws IOException {
    raw.setTcpNoDelay(true);
    InetSocketAddress remote = (InetSocketAddress) raw.getRemoteSocketAddress();
    if (remote == null) {
      throw new SocketException("the peer has gone");
    }
    return Channels.over(
        engines.engine(terms, remote.getHostString(), remote.getPort(), 0),
        engine -> {
          engine.offer(options.alpn(), java.util.Optional.empty());
          engine.transportEnd(() -> {
            RawSockets.closeQuietly(raw);
            uncount.run();
          });
          return new TlsChannel(
              raw,
              engine,
              "the caller at " + remote.getHostString() + ":" + remote.getPort(),
              scheduler,
              () -> {
                engine.release();
                uncount.run();
              });
        });
  }

  private void handOver(MeshSocket socket) throws IOException {
    ready.add(new Ready(socket));
    if (closed.get()) {
      closeUnclaimed();
    }
  }

  private static int clamp(long millis) {
    return (int) Math.max(1, Math.min(millis, Integer.MAX_VALUE));
  }

  @Override
  public SSLSocket accept() throws IOException {
    long timeout = acceptTimeoutMillis;
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeout);
    while (true) {
      if (closed.get()) {
        throw new SocketException("Socket is closed");
      }
      MeshSocket socket = next(timeout, end).socket();
      if (socket == null) {
        ready.add(new Ready(null)); // the next waiting accept wants to wake too
        throw new SocketException("Socket closed");
      }
      if (!socket.isClosed()) {
        return socket; // else the right was withdrawn while it waited here
      }
    }
  }

  private Ready next(long timeout, long end) throws IOException {
    try {
      Ready next =
          timeout == 0 ? ready.take() : ready.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (next == null) {
        throw new SocketTimeoutException("no authorized peer connected within " + timeout + " ms");
      }
      return next;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new java.io.InterruptedIOException("interrupted while waiting for a peer");
    }
  }

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    if (timeout < 0) {
      throw new IllegalArgumentException(
          "expected a timeout of 0 or more milliseconds, found " + timeout);
    }
    if (isClosed()) {
      throw new SocketException("Socket is closed");
    }
    acceptTimeoutMillis = timeout;
  }

  @Override
  public int getSoTimeout() {
    return acceptTimeoutMillis;
  }

  @Override
  public void close() throws IOException {
    // The superclass's constructor may close before the fields are there; only ours is called
    // later.
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      super.close();
    } finally {
      ready.add(new Ready(null));
      closeUnclaimed();
      shaking.forEach(Handshake::close);
      onClosed.accept(this);
    }
  }

  private void closeUnclaimed() throws IOException {
    boolean marked = false;
    for (Ready unclaimed = ready.poll(); unclaimed != null; unclaimed = ready.poll()) {
      MeshSocket socket = unclaimed.socket();
      if (socket == null) {
        marked = true;
      } else {
        socket.close();
      }
    }
    if (marked) {
      ready.add(new Ready(null));
    }
  }

  @Override
  public String toString() {
    return "MeshServerSocket[" + getLocalSocketAddress() + "]";
  }
}
