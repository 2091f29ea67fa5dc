package io.meshnative.internal.tls;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The message with which a side opens its handshake, read off the wire: it is never encrypted, and
 * says what no engine tells (RFC 8446 §4.1.2, §4.1.3; RFC 5246 §7.4.1). Fed with a direction's
 * records until the message is complete; whatever cannot be read says nothing.
 *
 * <p>One thread feeds; any thread asks.
 */
final class Hello {
  private static final int EXTENDED_MASTER_SECRET = 23;
  private static final int SESSION_TICKET = 35;
  private static final int PRE_SHARED_KEY = 41;
  private static final int SUPPORTED_VERSIONS = 43;
  static final int KEY_SHARE = 51;

  private static final byte ALERT_RECORD = 21;
  private static final byte HANDSHAKE_RECORD = 22;
  private static final byte CLIENT_HELLO = 1;
  private static final byte SERVER_HELLO = 2;
  private static final int RECORD_HEADER = 5;
  private static final int MESSAGE_HEADER = 4;
  private static final int RANDOM = 32;

  /** A client's hello with post-quantum shares and tickets is a few KB. */
  private static final int MOST = 64 * 1024;

  private @Nullable ByteArrayOutputStream unread = new ByteArrayOutputStream(512);
  private volatile Map<Integer, byte[]> extensions = Map.of();
  private volatile boolean namesSession;

  /** Takes what has gone over the wire, which may end anywhere; does nothing once it has read. */
  void feed(ByteBuffer wire) {
    ByteArrayOutputStream held = unread;
    if (held == null || !wire.hasRemaining()) {
      return;
    }
    byte[] more = new byte[wire.remaining()];
    wire.get(more);
    held.write(more, 0, more.length);
    try {
      ByteBuffer message = message(held.toByteArray());
      if (message != null) {
        unread = null;
        read(message);
      } else if (held.size() > MOST) {
        unread = null;
      }
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      unread = null; // the engine, which understands it or not, ends the connection
    }
  }

  /** The first handshake message, once all of it has come. */
  private static @Nullable ByteBuffer message(byte[] wire) {
    ByteArrayOutputStream fragments = new ByteArrayOutputStream(wire.length);
    ByteBuffer records = ByteBuffer.wrap(wire);
    while (records.remaining() >= RECORD_HEADER) {
      byte type = records.get();
      records.getShort();
      int length = records.getShort() & 0xffff;
      if (type != HANDSHAKE_RECORD && type != ALERT_RECORD) {
        throw new IllegalArgumentException("no record of a handshake's beginning");
      }
      if (records.remaining() < length) {
        return null;
      }
      if (type == HANDSHAKE_RECORD) {
        fragments.write(wire, records.position(), length);
      }
      records.position(records.position() + length);
      ByteBuffer message = ByteBuffer.wrap(fragments.toByteArray());
      if (message.remaining() >= MESSAGE_HEADER) {
        int body = message.getInt(0) & 0xffffff;
        if (message.remaining() >= MESSAGE_HEADER + body) {
          return message.limit(MESSAGE_HEADER + body);
        }
      }
    }
    return null;
  }

  private void read(ByteBuffer message) {
    byte type = message.get();
    if (type != CLIENT_HELLO && type != SERVER_HELLO) {
      return;
    }
    message.position(MESSAGE_HEADER + 2 + RANDOM);
    byte[] session = take(message, message.get() & 0xff);
    if (type == CLIENT_HELLO) {
      take(message, message.getShort() & 0xffff); // suites
      take(message, message.get() & 0xff); // compressions
    } else {
      take(message, 3); // suite, compression
    }
    Map<Integer, byte[]> found = new HashMap<>();
    if (message.hasRemaining()) {
      ByteBuffer list = ByteBuffer.wrap(take(message, message.getShort() & 0xffff));
      while (list.hasRemaining()) {
        int kind = list.getShort() & 0xffff;
        found.put(kind, take(list, list.getShort() & 0xffff));
      }
    }
    namesSession = session.length > 0;
    extensions = Map.copyOf(found);
  }

  private static byte[] take(ByteBuffer from, int length) {
    byte[] taken = new byte[length];
    from.get(taken);
    return taken;
  }

  /** An extension's content; null if it is not there, or the message could not be read. */
  byte @Nullable [] extension(int type) {
    return extensions.get(type);
  }

  /** Of a server's hello in TLS 1.2: whether the master secret covers the handshake (RFC 7627). */
  boolean extendsMasterSecret() {
    return extension(EXTENDED_MASTER_SECRET) != null;
  }

  /**
   * Of a client's hello: whether it offers a session. A session's id beside TLS 1.3 cannot be told
   * from the random one that middleboxes want (RFC 8446 §D.4) and is taken for that.
   */
  boolean offersSession() {
    byte[] ticket = extension(SESSION_TICKET);
    return extension(PRE_SHARED_KEY) != null
        || (ticket != null && ticket.length > 0)
        || (namesSession && extension(SUPPORTED_VERSIONS) == null);
  }
}
