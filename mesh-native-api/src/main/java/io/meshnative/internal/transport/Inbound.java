package io.meshnative.internal.transport;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * From the network to plaintext. Used by one thread at a time (the channel's read lock). It never
 * writes: what the engine wants to answer waits for the next write.
 *
 * <p>Both buffers are in reading position: {@code net} starts at a record's first byte, {@code app}
 * holds plaintext that no caller has taken. Nothing is lost when a raw read times out, so every
 * read can be resumed.
 */
final class Inbound {
  /** How a read that must not wait asks; 0 waits for ever, more is milliseconds. */
  static final int NO_WAIT = -1;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int MAX_BUFFER = 256 * 1024;
  private static final byte HANDSHAKE_RECORD = 22;

  private final LockedEngine engine;
  private final Socket raw;
  private final InputStream in;
  private final ArrayView view = new ArrayView();
  private ByteBuffer net = NOTHING;
  private ByteBuffer app = NOTHING;
  private int appSize;
  private int rawTimeout;

  /** BoringSSL keeps what did not fit, and gives it without new input. */
  private boolean engineHolds;

  private boolean closeNotified;
  private boolean renegotiable;
  private volatile boolean heard;
  private volatile boolean received;
  private volatile boolean awaited;

  Inbound(LockedEngine engine, Socket raw) throws IOException {
    this.engine = engine;
    this.raw = raw;
    this.in = raw.getInputStream();
    this.rawTimeout = raw.getSoTimeout();
  }

  /** Whether any application byte has come in. */
  boolean heard() {
    return heard;
  }

  /** Whether any byte at all has come in. */
  boolean hasReceived() {
    return received;
  }

  /** Whether a handshake waits for the peer's next bytes now. */
  boolean awaitsHandshake() {
    return awaited;
  }

  /**
   * One unwrap, and one raw read if the engine needs it; application data that comes early is kept.
   */
  void handshakeStep(Deadline budget) throws IOException {
    if (net.hasRemaining()) {
      SSLEngineResult result = unwrapIntoApp();
      if (result.getStatus() == Status.CLOSED && engine.isInboundDone()) {
        throw new SSLHandshakeException("the peer closed the connection during the handshake");
      }
      boolean moved =
          result.bytesConsumed() > 0
              || result.bytesProduced() > 0
              || result.getHandshakeStatus() != HandshakeStatus.NEED_UNWRAP;
      if (moved && result.getStatus() != Status.BUFFER_UNDERFLOW) {
        return;
      }
      if (result.getStatus() == Status.BUFFER_OVERFLOW) {
        growApp();
        return;
      }
    }
    boolean more;
    awaited = true;
    try {
      more = fill(budget.remainingMillis());
    } finally {
      awaited = false;
    }
    if (!more) {
      SSLHandshakeException ended =
          new SSLHandshakeException(
              "the peer ended the TCP connection during the handshake, without an alert");
      ended.initCause(new EOFException("end of the raw stream"));
      throw ended;
    }
  }

  /** From here on a handshake record is data of TLS 1.3 or, in TLS 1.2, a renegotiation. */
  void handshakeDone(String protocol) {
    renegotiable = !protocol.equals("TLSv1.3");
    size();
  }

  /**
   * Reads plaintext.
   *
   * @param timeout for the whole call, in ms; 0: none
   * @return the number of bytes, or -1 after the peer's close_notify
   * @throws SocketTimeoutException if the time has passed; the call can be repeated
   */
  int read(byte[] bytes, int offset, int length, int timeout) throws IOException {
    if (!app.hasRemaining()) {
      boolean direct = length >= appSize;
      int got = pull(direct ? view.over(bytes, offset, length) : null, timeout);
      if (got < 0 || (direct && !app.hasRemaining())) {
        return got;
      }
    }
    int taken = Math.min(length, app.remaining());
    app.get(bytes, offset, taken);
    return taken;
  }

  /** How many bytes can be read without waiting, at least those of one record that has arrived. */
  int available() throws IOException {
    if (!app.hasRemaining()) {
      pull(null, NO_WAIT);
    }
    return app.remaining();
  }

  /** Decrypts until there is plaintext: in {@code target}, or in {@code app} where that is null. */
  private int pull(@Nullable ByteBuffer target, int timeout) throws IOException {
    ByteBuffer direct = target;
    long start = timeout > 0 ? System.nanoTime() : 0;
    for (boolean first = true; ; ) {
      if (closeNotified) {
        return -1;
      }
      if (net.hasRemaining() || engineHolds) {
        refuseRenegotiation();
        SSLEngineResult result = direct == null ? unwrapIntoApp() : engine.unwrap(net, direct);
        engineHolds = result.getStatus() == Status.BUFFER_OVERFLOW && result.bytesProduced() > 0;
        if (result.bytesProduced() > 0) {
          if (!heard) {
            heard = true;
          }
          return result.bytesProduced();
        }
        // End of stream is what the engine says, never the status: after our own close_notify
        // BoringSSL
        // says CLOSED with every record.
        closeNotified = engine.isInboundDone();
        if (closeNotified || progressed(result)) {
          continue;
        }
        if (result.getStatus() == Status.BUFFER_OVERFLOW) {
          if (direct == null) {
            growApp();
          }
          direct = null;
          continue;
        }
      }
      if (timeout == NO_WAIT && in.available() == 0) {
        return 0;
      }
      if (!fill(timeout == NO_WAIT ? 1 : first ? timeout : left(timeout, start))) {
        closeNotified = engine.isInboundDone();
        if (!closeNotified) {
          SSLException truncated =
              new SSLException(
                  "truncated: the peer's TCP stream ended without close_notify, so bytes may be missing");
          truncated.initCause(new EOFException("truncated"));
          throw truncated;
        }
      }
      first = false;
    }
  }

  private boolean progressed(SSLEngineResult result) throws SSLException {
    if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
      engine.runTasks();
      return true;
    }
    return result.bytesConsumed() > 0;
  }

  /**
   * The record's type is readable in TLS 1.2, and after the handshake type 22 can only be a
   * renegotiation: refused here for every engine, since Conscrypt as a client has no switch for it.
   */
  private void refuseRenegotiation() throws SSLException {
    if (renegotiable && net.hasRemaining() && net.get(net.position()) == HANDSHAKE_RECORD) {
      throw new SSLHandshakeException("the peer wants to renegotiate TLS 1.2, which we never do");
    }
  }

  private static int left(int timeout, long start) throws SocketTimeoutException {
    if (timeout == 0) {
      return 0;
    }
    long left = timeout - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    if (left <= 0) {
      throw new SocketTimeoutException("Read timed out");
    }
    return (int) left;
  }

  private SSLEngineResult unwrapIntoApp() throws SSLException {
    if (app.capacity() < appSize) {
      app = resized(app, appSize);
    }
    app.compact();
    try {
      return engine.unwrap(net, app);
    } finally {
      app.flip();
    }
  }

  /** Reads once from the network. False at the end of the raw stream. */
  @SuppressWarnings("ByteBufferBackingArray") // Made by allocate().
  private boolean fill(int timeout) throws IOException {
    if (net.capacity() == 0) {
      size();
    }
    if (!net.hasRemaining()) {
      net.clear().flip();
    } else if (net.limit() == net.capacity()) {
      if (net.position() == 0) {
        net = grown(net);
      } else {
        net.compact().flip();
      }
    }
    if (timeout != rawTimeout) {
      raw.setSoTimeout(timeout);
      rawTimeout = timeout;
    }
    int got = in.read(net.array(), net.limit(), net.capacity() - net.limit());
    if (got < 0) {
      return false;
    }
    net.limit(net.limit() + got);
    if (!received) {
      received = true;
    }
    return true;
  }

  private void size() {
    SSLSession session = engine.session();
    if (net.capacity() < session.getPacketBufferSize()) {
      net = resized(net, session.getPacketBufferSize());
    }
    appSize = Math.max(appSize, session.getApplicationBufferSize());
  }

  private void growApp() throws SSLException {
    app = grown(app);
    appSize = app.capacity();
  }

  private static ByteBuffer grown(ByteBuffer buffer) throws SSLException {
    if (buffer.capacity() >= MAX_BUFFER) {
      throw new SSLException(
          "the TLS engine makes no progress with " + buffer.capacity() + " bytes");
    }
    return resized(buffer, Math.max(512, 2 * buffer.capacity()));
  }

  private static ByteBuffer resized(ByteBuffer buffer, int capacity) {
    return ByteBuffer.allocate(capacity).put(buffer).flip();
  }

  void release() {
    net = NOTHING;
    app = NOTHING;
    view.release();
  }
}
