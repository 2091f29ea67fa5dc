package io.meshnative.internal.transport;

import io.meshnative.ListenOptions;
import io.meshnative.MeshServerSocket;
import io.meshnative.internal.tls.MeshEngine;
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
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Listens: one thread takes TCP connections, the executor does the handshakes, {@link #accept} hands over
 * those that passed.
 *
 * <p>Invariants: no handshake runs on the accepting thread; every connection that was taken holds exactly one
 * permit until it ends; what was not handed over is closed when this socket closes.
 */
public final class Acceptor extends MeshServerSocket {
  private static final Logger LOG = System.getLogger("io.meshnative.listen");
  private static final long FAILURE_PAUSE_MILLIS = 50;

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
  private final Set<TlsChannel> shaking = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean closed = new AtomicBoolean();
  private volatile int acceptTimeoutMillis;

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
    threads.newThread(this::acceptRaw).start();
  }

  private void acceptRaw() {
    while (!closed.get()) {
      Socket raw = new Socket();
      boolean slot = false;
      try {
        handshakes.acquire(); // beyond the limit new connections wait in the backlog
        slot = true;
        implAccept(raw);
        if (!connections.tryAcquire()) {
          LOG.log(Level.WARNING, () -> "closed a connection: " + options.maxConnections() + " are open, the limit of this listener");
          RawSockets.closeQuietly(raw);
          handshakes.release();
          continue;
        }
        slot = false;
        shakeHands(raw);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (IOException e) {
        RawSockets.closeQuietly(raw);
        if (slot) {
          handshakes.release();
        }
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

  private void shakeHands(Socket raw) {
    try {
      executor.execute(() -> shake(raw));
    } catch (RejectedExecutionException e) {
      RawSockets.closeQuietly(raw);
      handshakes.release();
      connections.release();
    }
  }

  private void shake(Socket raw) {
    AtomicBoolean counted = new AtomicBoolean(true);
    Runnable uncount =
        () -> {
          if (counted.compareAndSet(true, false)) {
            connections.release();
          }
        };
    try {
      TlsChannel channel = channel(raw, uncount);
      shaking.add(channel);
      try {
        if (closed.get()) {
          channel.close();
          return;
        }
        channel.handshake(Deadline.afterMillis(clamp(options.handshakeTimeout().toMillis())));
      } finally {
        shaking.remove(channel);
      }
      handOver(new MeshSocket(channel));
    } catch (IOException e) {
      // A refusal was reported with its reason where it was decided; the rest is the internet's noise.
      LOG.log(Level.DEBUG, () -> "no connection from " + raw.getRemoteSocketAddress() + ": " + e.getMessage());
      RawSockets.closeQuietly(raw);
      uncount.run();
    } catch (RuntimeException | Error e) { // a permit and a socket would be lost with it for ever
      LOG.log(Level.WARNING, "a handshake failed in an unexpected way; the connection is closed", e);
      RawSockets.closeQuietly(raw);
      uncount.run();
    } finally {
      handshakes.release();
    }
  }

  private TlsChannel channel(Socket raw, Runnable uncount) throws IOException {
    raw.setTcpNoDelay(true);
    InetSocketAddress remote = (InetSocketAddress) raw.getRemoteSocketAddress();
    if (remote == null) {
      throw new SocketException("the peer has gone");
    }
    MeshEngine engine = engines.engine(terms, remote.getHostString(), remote.getPort(), 0);
    engine.offer(options.alpn(), java.util.Optional.empty());
    TlsChannel channel =
        new TlsChannel(
            raw,
            engine,
            "the caller at " + remote.getHostString() + ":" + remote.getPort(),
            scheduler,
            () -> {
              engine.release();
              uncount.run();
            });
    engine.onCut(channel::abort);
    return channel;
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
      Ready next = timeout == 0 ? ready.take() : ready.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
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
      throw new IllegalArgumentException("expected a timeout of 0 or more milliseconds, found " + timeout);
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
    // The superclass's constructor may close before the fields are there; only ours is called later.
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    super.close();
    handshakes.release(); // the accepting thread may wait for a slot
    ready.add(new Ready(null));
    closeUnclaimed();
    shaking.forEach(TlsChannel::close);
    onClosed.accept(this);
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
