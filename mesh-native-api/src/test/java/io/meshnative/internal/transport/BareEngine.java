package io.meshnative.internal.transport;

import java.io.EOFException;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLSession;

/**
 * A connection as a server of somebody else's makes it: its own TCP socket, and an engine of which
 * it knows nothing but wrap, unwrap and tasks. One thread may read while another writes.
 */
final class BareEngine implements AutoCloseable {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final Socket raw;
  private final SSLEngine engine;
  private final ByteBuffer net = ByteBuffer.allocate(64 * 1024).flip();
  private final ByteBuffer app = ByteBuffer.allocate(64 * 1024).flip();
  private final ReentrantLock writing = new ReentrantLock();

  BareEngine(Socket raw, SSLEngine engine) {
    this.raw = raw;
    this.engine = engine;
  }

  SSLSession handshake() throws IOException {
    engine.beginHandshake();
    while (true) {
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> tasks();
        case NEED_WRAP -> send(NOTHING);
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> receive();
        default -> {
          return engine.getSession();
        }
      }
    }
  }

  private void tasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  private void send(ByteBuffer plain) throws IOException {
    writing.lock();
    try {
      ByteBuffer out = ByteBuffer.allocate(64 * 1024);
      do {
        SSLEngineResult result = engine.wrap(plain, out.clear());
        raw.getOutputStream().write(out.array(), 0, out.position());
        if (result.getStatus() == Status.CLOSED) {
          throw new EOFException("the engine takes no more");
        }
      } while (plain.hasRemaining());
    } finally {
      writing.unlock();
    }
  }

  /** One unwrap, and one raw read where the engine needs it. */
  private void receive() throws IOException {
    app.compact();
    SSLEngineResult result;
    try {
      result = engine.unwrap(net, app);
    } finally {
      app.flip();
    }
    if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
      tasks();
    }
    if (result.getStatus() == Status.BUFFER_UNDERFLOW
        || (result.bytesConsumed() == 0 && !net.hasRemaining())) {
      net.compact();
      int got = raw.getInputStream().read(net.array(), net.position(), net.remaining());
      net.position(net.position() + Math.max(0, got)).flip();
      if (got < 0) {
        throw new EOFException("the TCP stream has ended");
      }
    }
  }

  /** Reads plaintext; -1 after the peer's close_notify. */
  int read(byte[] bytes) throws IOException {
    while (!app.hasRemaining()) {
      if (engine.isInboundDone()) {
        return -1;
      }
      receive();
    }
    int taken = Math.min(bytes.length, app.remaining());
    app.get(bytes, 0, taken);
    return taken;
  }

  void write(byte[] bytes) throws IOException {
    send(ByteBuffer.wrap(bytes));
  }

  void shutdownOutput() throws IOException {
    engine.closeOutbound();
    try {
      send(NOTHING);
    } catch (EOFException e) {
      // Its last words are said.
    }
  }

  /** Whether the transport is gone. */
  boolean isClosed() {
    return raw.isClosed();
  }

  /** The transport, then the engine, as servers do it. */
  @Override
  public void close() throws IOException {
    raw.close();
    engine.closeOutbound();
    try {
      engine.closeInbound();
    } catch (IOException e) {
      // Without the peer's close_notify; it is over all the same.
    }
    for (int i = 0; i < 4 && !engine.isOutboundDone(); i++) {
      try {
        SSLEngineResult ignored = engine.wrap(NOTHING, ByteBuffer.allocate(64 * 1024));
      } catch (IOException e) {
        break;
      }
    }
    engine.isInboundDone(); // a server asks, and the engine leaves the registry
  }
}
