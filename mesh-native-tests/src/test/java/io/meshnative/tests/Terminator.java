package io.meshnative.tests;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Our own listener in front of a server that speaks plain text: it ends the mesh's TLS and passes
 * the bytes on. What a program would be that serves the mesh itself.
 */
final class Terminator implements AutoCloseable {
  private final ServerSocket server;
  private final int backend;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition flowing = lock.newCondition();
  private boolean held;

  Terminator(MeshClient service, int backend) throws IOException {
    this(service.listen(Cast.loopback(), ListenOptions.defaults()), backend);
  }

  /** Behind any listener: one that does not end connections by itself is as sidecars are. */
  Terminator(ServerSocket server, int backend) {
    this.server = server;
    this.backend = backend;
    start("terminator-accept", this::accept);
  }

  private static void start(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket caller = server.accept();
        accepted.incrementAndGet();
        start("terminator-connect", () -> join(caller));
      } catch (IOException e) {
        if (!server.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void join(Socket caller) {
    open.add(caller);
    Socket behind;
    try {
      behind = new Socket(InetAddress.getLoopbackAddress(), backend);
      behind.setTcpNoDelay(true);
    } catch (IOException e) {
      close(caller); // the server is down
      return;
    }
    open.add(behind);
    start("terminator-up", () -> copy(caller, behind));
    copy(behind, caller);
  }

  private void copy(Socket from, Socket to) {
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] buffer = new byte[32 * 1024];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        awaitFlowing();
        out.write(buffer, 0, n);
        out.flush();
      }
    } catch (IOException e) {
      // One side was cut, or went: the other goes with it.
    } finally {
      open.remove(from);
      open.remove(to);
    }
  }

  private void awaitFlowing() throws IOException {
    lock.lock();
    try {
      while (held) {
        flowing.await();
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    } finally {
      lock.unlock();
    }
  }

  /** Passes nothing on until it is released: neither side is told. */
  void hold(boolean on) {
    lock.lock();
    try {
      held = on;
      flowing.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many connections the mesh let through to here. */
  int accepted() {
    return accepted.get();
  }

  int port() {
    return server.getLocalPort();
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone either way.
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    hold(false);
    open.forEach(Terminator::close);
  }
}
