package io.meshnative.tests;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/**
 * A server on bare engines, as servlet containers have one: it knows nothing but {@code SSLEngine},
 * runs delegated tasks in threads of its own, and echoes what it hears.
 */
final class EngineEcho implements AutoCloseable {
  private final Supplier<SSLEngine> engines;
  private final Consumer<SSLEngine> afterHandshake;
  private final ServerSocket server;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger bytes = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();
  private final ExecutorService tasks =
      Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "engine-tasks");
        thread.setDaemon(true);
        return thread;
      });

  EngineEcho(Supplier<SSLEngine> engines) throws IOException {
    this(engines, 0, engine -> {});
  }

  EngineEcho(Supplier<SSLEngine> engines, int port, Consumer<SSLEngine> afterHandshake)
      throws IOException {
    this.engines = engines;
    this.afterHandshake = afterHandshake;
    this.server = new ServerSocket();
    server.setReuseAddress(true);
    server.bind(new InetSocketAddress("127.0.0.1", port));
    Thread thread = new Thread(this::accept, "engine-accept");
    thread.setDaemon(true);
    thread.start();
  }

  int port() {
    return server.getLocalPort();
  }

  /** How many bytes of plaintext the application saw. */
  int bytes() {
    return bytes.get();
  }

  /** How many connections have ended. */
  int ended() {
    return ended.get();
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket raw = server.accept();
        raw.setTcpNoDelay(true);
        open.add(raw);
        tasks.execute(() -> serve(raw));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket raw) {
    try (raw) {
      new Connection(raw, engines.get()).run();
    } catch (IOException | RuntimeException e) {
      // Refused, cut or gone: the connection ends.
    } finally {
      open.remove(raw);
      ended.incrementAndGet();
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (Socket raw : open) {
      raw.close();
    }
    tasks.shutdownNow();
  }

  private final class Connection {
    private final SSLEngine engine;
    private final InputStream in;
    private final OutputStream out;
    private final ByteBuffer net = ByteBuffer.allocate(64 * 1024).flip();
    private final ByteBuffer app = ByteBuffer.allocate(64 * 1024);
    private final ByteBuffer sending = ByteBuffer.allocate(64 * 1024);

    Connection(Socket raw, SSLEngine engine) throws IOException {
      this.engine = engine;
      this.in = raw.getInputStream();
      this.out = raw.getOutputStream();
    }

    void run() throws IOException {
      engine.beginHandshake();
      boolean told = false;
      while (true) {
        switch (engine.getHandshakeStatus()) {
          case NEED_TASK -> runTasks();
          case NEED_WRAP -> send(ByteBuffer.allocate(0));
          default -> {
            if (!told && engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING) {
              told = true;
              afterHandshake.accept(engine);
              continue;
            }
            if (!receive()) {
              return;
            }
          }
        }
      }
    }

    private void runTasks() throws IOException {
      for (Runnable task = engine.getDelegatedTask();
          task != null;
          task = engine.getDelegatedTask()) {
        Future<?> running = tasks.submit(task);
        try {
          running.get();
        } catch (java.util.concurrent.ExecutionException e) {
          throw new IOException(e);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException(e);
        }
      }
    }

    private void send(ByteBuffer plain) throws IOException {
      do {
        sending.clear();
        SSLEngineResult result = engine.wrap(plain, sending);
        out.write(sending.array(), 0, sending.position());
        if (result.getStatus() == Status.CLOSED) {
          throw new EOFException("closed");
        }
      } while (plain.hasRemaining());
    }

    private boolean receive() throws IOException {
      app.clear();
      SSLEngineResult result;
      try {
        result = engine.unwrap(net, app);
      } catch (SSLException e) {
        if (app.position() > 0) {
          bytes.addAndGet(
              app.position()); // plaintext in spite of the refusal: the test must see it
        }
        sayAlert();
        throw e;
      }
      if (app.position() > 0) {
        bytes.addAndGet(app.position());
        send(app.flip());
      }
      if (engine.isInboundDone()) {
        return false;
      }
      if (result.getStatus() == Status.BUFFER_UNDERFLOW
          || (result.bytesConsumed() == 0 && !net.hasRemaining())) {
        net.compact();
        int got = in.read(net.array(), net.position(), net.remaining());
        net.position(net.position() + Math.max(0, got)).flip();
        return got >= 0;
      }
      return true;
    }

    private void sayAlert() {
      try {
        for (int i = 0; i < 4 && engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP; i++) {
          sending.clear();
          engine.wrap(ByteBuffer.allocate(0), sending);
          out.write(sending.array(), 0, sending.position());
        }
      } catch (IOException e) {
        // It has nothing to say.
      }
    }
  }
}
