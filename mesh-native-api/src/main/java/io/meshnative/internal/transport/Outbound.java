package io.meshnative.internal.transport;

import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;

/**
 * From plaintext to the network. Used by one thread at a time (the channel's write lock). Between
 * calls the buffer is empty: whatever was wrapped has gone to the raw stream, or the stream is
 * broken for good.
 */
final class Outbound {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int RECORDS_PER_BULK_WRITE = 4;

  /** So much of a handshake's flight leaves in one piece: certificates of usual chains fit. */
  private static final int FLIGHT = 4 * 1024;

  private static final int MAX_BUFFER = 256 * 1024;

  /** An engine that failed may still be open, and JSSE then gives an empty record to every wrap. */
  private static final int MAX_ALERT_RECORDS = 4;

  private final LockedEngine engine;
  private final OutputStream out;
  private final ArrayView view = new ArrayView();
  private ByteBuffer net = NOTHING;
  private int packet;
  private boolean broken;

  Outbound(LockedEngine engine, Socket raw) throws IOException {
    this.engine = engine;
    this.out = raw.getOutputStream();
  }

  /**
   * Writes all bytes, behind whatever the engine still had to say. False if the engine takes no
   * more, because the peer has closed.
   */
  boolean write(byte[] bytes, int offset, int length) throws IOException {
    room(length > packet ? RECORDS_PER_BULK_WRITE : 1, 0);
    ByteBuffer source = view.over(bytes, offset, length);
    while (source.hasRemaining()) {
      boolean open;
      do {
        open = wrap(source);
      } while (open && source.hasRemaining() && net.remaining() >= packet);
      flush();
      if (!open) {
        return false;
      }
    }
    return true;
  }

  /** Wraps one flight of the handshake, so that it leaves in one piece where it fits. */
  void wrapFlight() throws IOException {
    room(1, FLIGHT);
    do {
      if (!wrap(NOTHING) && net.position() == 0) {
        throw new SSLException("the TLS engine closed during the handshake");
      }
    } while (net.remaining() >= packet && engine.handshakeStatus() == HandshakeStatus.NEED_WRAP);
  }

  /** Writes what was wrapped. */
  void flush() throws IOException {
    if (net.position() == 0) {
      return;
    }
    broken = true;
    out.write(net.array(), 0, net.position());
    broken = false;
    net.clear();
  }

  /**
   * Sends what the engine says last, an alert or close_notify. Returns whether anything was said.
   * After a write that failed midway nothing can be added.
   */
  boolean sayLast() throws IOException {
    if (broken) {
      return false;
    }
    room(1, 0);
    net.clear();
    boolean said = false;
    if (engine.failed()) {
      // The alert comes first: closing may free BoringSSL's buffers with the alert in them.
      try {
        said = sayPending(MAX_ALERT_RECORDS);
      } catch (SSLException e) {
        // It has nothing more to say than what we know.
      }
    }
    engine.closeOutbound();
    return sayPending(LockedEngine.MAX_LAST_RECORDS) || said;
  }

  private boolean sayPending(int limit) throws IOException {
    boolean said = false;
    for (int records = 0; records < limit; records++) {
      if (engine.wrap(NOTHING, net).bytesProduced() == 0) {
        break;
      }
      said = true;
      flush();
    }
    return said;
  }

  /** One wrap. False if the engine takes no more data. */
  private boolean wrap(ByteBuffer source) throws SSLException {
    for (int attempt = 0; attempt < 8; attempt++) {
      SSLEngineResult result = engine.wrap(source, net);
      if (result.getStatus() == Status.CLOSED) {
        return false;
      }
      if (result.bytesProduced() > 0 || result.bytesConsumed() > 0) {
        return true;
      }
      if (result.getHandshakeStatus() == HandshakeStatus.NEED_TASK) {
        engine.runTasks();
      } else if (result.getStatus() == Status.BUFFER_OVERFLOW) {
        if (net.position() > 0) {
          return true;
        }
        grow();
      } else if (!source.hasRemaining()) {
        return true;
      }
    }
    throw new SSLException("the TLS engine takes no data and gives no record");
  }

  private void room(int records, int more) {
    if (packet == 0) {
      packet = engine.session().getPacketBufferSize();
    }
    if (net.capacity() < records * packet) {
      net = ByteBuffer.allocate(records * packet + more).put(net.flip());
    }
  }

  private void grow() throws SSLException {
    if (net.capacity() >= MAX_BUFFER) {
      throw new SSLException("the TLS engine gives no record into " + net.capacity() + " bytes");
    }
    net = ByteBuffer.allocate(Math.max(512, 2 * net.capacity())).put(net.flip());
  }

  /** The handshake's buffer stays for the data: nearly every connection writes. */
  void handshakeDone() {
    packet = engine.session().getPacketBufferSize();
  }

  void release() {
    net = NOTHING;
    view.release();
  }
}
