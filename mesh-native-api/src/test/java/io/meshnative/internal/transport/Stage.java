package io.meshnative.internal.transport;

import static org.awaitility.Awaitility.await;

import io.meshnative.internal.transport.Tls.Vendor;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A client's and a server's {@code SSLSocket} over a wire that a test can meter, cut and tamper
 * with. Each side is ours or, as in the model, the JDK's own.
 */
final class Stage implements AutoCloseable {
  static final int HANG_GUARD_SECONDS = 60;

  /** Small, so that a writer is blocked soon. */
  private static final int TCP_BUFFER = 256 * 1024;

  enum Role {
    CLIENT,
    SERVER;

    Role other() {
      return this == CLIENT ? SERVER : CLIENT;
    }

    @Override
    public String toString() {
      return this == CLIENT ? "client" : "server";
    }
  }

  /**
   * Who plays: the sides that are ours, on whose engine, in which version. The model has none of
   * ours.
   */
  record Cast(@Nullable Vendor vendor, boolean client, boolean server, String version) {
    static Cast model(String version) {
      return new Cast(null, false, false, version);
    }

    boolean tls13() {
      return version.equals("TLSv1.3");
    }

    boolean isOurs(Role role) {
      return role == Role.CLIENT ? client : server;
    }

    @Override
    public String toString() {
      return (client ? "our" : "JSSE's")
          + " client, "
          + (server ? "our" : "JSSE's")
          + " server"
          + (vendor == null ? "" : " on " + vendor)
          + ", "
          + version;
    }
  }

  /** On which threads the sockets are used. */
  enum Threads {
    PLATFORM,
    VIRTUAL;

    /** Virtual threads came with JDK 21, and this code is compiled for 17. */
    Thread start(Runnable task) {
      if (this == PLATFORM) {
        Thread thread = new Thread(task, "stage");
        thread.setDaemon(true);
        thread.start();
        return thread;
      }
      try {
        return (Thread)
            Thread.class.getMethod("startVirtualThread", Runnable.class).invoke(null, task);
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** Something that a thread does, and the thread. */
  static final class Errand<T> {
    private final FutureTask<T> task;
    final Thread thread;

    Errand(Threads threads, Callable<T> call) {
      task = new FutureTask<>(call);
      thread = threads.start(task);
    }

    /** What it returned or threw; a hang fails the test. */
    T result() throws Exception {
      try {
        return task.get(HANG_GUARD_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof Exception cause) {
          throw cause;
        }
        throw e;
      }
    }

    boolean isDone() {
      return task.isDone();
    }
  }

  final class Side {
    final Role role;
    final SSLSocket socket;
    final Socket raw;

    /** The wire's end of this side's TCP connection. */
    final Socket wireEnd;

    /** The engine where the side is ours. */
    final @Nullable SSLEngine engine;

    final AtomicInteger handshakesCompleted = new AtomicInteger();
    private @Nullable InputStream in;
    private @Nullable OutputStream out;

    Side(Role role, Socket[] tcp) throws IOException {
      this.role = role;
      this.raw = tcp[0];
      this.wireEnd = tcp[1];
      boolean client = role == Role.CLIENT;
      Vendor vendor = cast.vendor();
      if (cast.isOurs(role) && vendor != null) {
        engine = Tls.engine(vendor, cast.version(), client);
        socket = new MeshSocket(new TlsChannel(raw, engine, "the peer", scheduler, () -> {}));
      } else {
        engine = null;
        socket =
            (SSLSocket)
                Tls.context(Vendor.JSSE, true)
                    .getSocketFactory()
                    .createSocket(raw, "localhost", 1, true);
        socket.setUseClientMode(client);
        socket.setEnabledProtocols(new String[] {cast.version()});
        socket.setNeedClientAuth(!client);
      }
      socket.addHandshakeCompletedListener(event -> handshakesCompleted.incrementAndGet());
    }

    InputStream in() throws IOException {
      InputStream stream = in;
      if (stream == null) {
        in = stream = socket.getInputStream();
      }
      return stream;
    }

    OutputStream out() throws IOException {
      OutputStream stream = out;
      if (stream == null) {
        out = stream = socket.getOutputStream();
      }
      return stream;
    }

    /**
     * New keys for what this side sends, with its next write, and a request for the same, in TLS
     * 1.3; Conscrypt has no way to ask. In TLS 1.2 the same call would renegotiate, which ours
     * never does.
     */
    void rekey() throws IOException {
      if (!cast.tls13()) {
        return;
      }
      if (engine == null) {
        socket.startHandshake();
      } else if (cast.vendor() == Vendor.JSSE) {
        engine.beginHandshake();
      }
    }
  }

  final Cast cast;
  final Threads threads;
  private final ScheduledExecutorService scheduler =
      Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "stage-scheduler");
        thread.setDaemon(true);
        return thread;
      });
  private final Side client;
  private final Side server;
  private final Relay toServer;
  private final Relay toClient;

  Stage(Cast cast, Threads threads) throws IOException {
    this.cast = cast;
    this.threads = threads;
    this.client = new Side(Role.CLIENT, tcp());
    this.server = new Side(Role.SERVER, tcp());
    this.toServer = new Relay(client.wireEnd, server.wireEnd);
    this.toClient = new Relay(server.wireEnd, client.wireEnd);
    Threads.PLATFORM.start(toServer);
    Threads.PLATFORM.start(toClient);
  }

  private static Socket[] tcp() throws IOException {
    try (ServerSocket listener = new ServerSocket()) {
      listener.setReceiveBufferSize(TCP_BUFFER);
      listener.bind(new java.net.InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
      Socket near = new Socket();
      near.setReceiveBufferSize(TCP_BUFFER);
      near.setSendBufferSize(TCP_BUFFER);
      near.setTcpNoDelay(true);
      near.connect(listener.getLocalSocketAddress());
      Socket far = listener.accept();
      far.setSendBufferSize(TCP_BUFFER);
      far.setTcpNoDelay(true);
      return new Socket[] {near, far};
    }
  }

  Side side(Role role) {
    return role == Role.CLIENT ? client : server;
  }

  /** What carries bytes to a side. */
  Relay wireTo(Role role) {
    return role == Role.CLIENT ? toClient : toServer;
  }

  <T> Errand<T> begin(Callable<T> call) {
    return new Errand<>(threads, call);
  }

  Stage shakeHands() throws Exception {
    Errand<Boolean> server =
        begin(() -> {
          side(Role.SERVER).socket.startHandshake();
          return true;
        });
    side(Role.CLIENT).socket.startHandshake();
    server.result();
    return this;
  }

  /** Waits until a thread is in a raw read or write of the JDK's, whoever called that. */
  static void awaitBlocked(Errand<?> errand) {
    await()
        .atMost(Duration.ofSeconds(HANG_GUARD_SECONDS))
        .pollInterval(Duration.ofMillis(2))
        .until(() -> isInSocket(errand.thread));
  }

  /** Waits until writers stay in their raw writes: all buffers on the way are full. */
  static void awaitFull(BooleanSupplier blocked) {
    int[] times = {0};
    await()
        .atMost(Duration.ofSeconds(HANG_GUARD_SECONDS))
        .pollInterval(Duration.ofMillis(10))
        .until(() -> {
          times[0] = blocked.getAsBoolean() ? times[0] + 1 : 0;
          return times[0] == 10;
        });
  }

  static boolean isInSocket(Thread thread) {
    return Arrays.stream(thread.getStackTrace())
        .anyMatch(frame ->
            frame.getClassName().equals("sun.nio.ch.NioSocketImpl")
                && (frame.getMethodName().equals("implRead")
                    || frame.getMethodName().equals("implWrite")));
  }

  @Override
  public void close() throws IOException {
    toServer.close();
    toClient.close();
    client.socket.close();
    server.socket.close();
    scheduler.shutdownNow();
  }
}
