package io.meshnative.tests;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/**
 * A connection on which HTTP/2 is written frame by frame (RFC 9113), with headers as literals that
 * no table remembers (RFC 7541 §6.2.2), so that anything can be said in any order. It asks the
 * server to keep no table either, so that a status can be read without one.
 */
final class RawHttp2 implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int WINDOW_UPDATE = 8;
  static final int CONTINUATION = 9;

  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;
  private static final int ACK = 1;
  private static final int PADDED = 8;
  private static final int PRIORITY = 32;

  /** A frame. */
  record Frame(int type, int flags, int stream, byte[] payload) {
    boolean has(int flag) {
      return (flags & flag) != 0;
    }
  }

  /**
   * What became of a stream.
   *
   * @param status the status; 0 if the stream, or the connection, ended without one
   * @param body as ISO 8859-1
   * @param reset whether the stream or the connection was ended by force
   */
  record Answer(int status, String body, boolean reset) {}

  private static final Map<String, Integer> PSEUDO =
      Map.of(":authority", 1, ":method", 2, ":path", 4, ":scheme", 6);

  private final SSLSocket socket;
  private final DataInputStream in;
  private int nextStream = 1;

  /** Sends the preface; the socket has agreed on {@code h2}. */
  RawHttp2(SSLSocket socket) throws IOException {
    this.socket = socket;
    socket.startHandshake();
    if (!"h2".equals(socket.getApplicationProtocol())) {
      throw new IOException("expected h2 by ALPN, found " + socket.getApplicationProtocol());
    }
    this.in = new DataInputStream(socket.getInputStream());
    write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
    frame(SETTINGS, 0, 0, new byte[] {0, 1, 0, 0, 0, 0}); // SETTINGS_HEADER_TABLE_SIZE = 0
  }

  /** Opens a stream with these header fields, in pairs of name and value; returns its number. */
  int open(boolean ends, String... fields) throws IOException {
    int stream = nextStream;
    nextStream += 2;
    headers(stream, ends, fields);
    return stream;
  }

  /** A GET with the four pseudo headers, and these fields. */
  int get(String path, String... fields) throws IOException {
    String[] all = new String[8 + fields.length];
    String[] pseudo = {":method", "GET", ":scheme", "https", ":authority", "api", ":path", path};
    System.arraycopy(pseudo, 0, all, 0, 8);
    System.arraycopy(fields, 0, all, 8, fields.length);
    return open(true, all);
  }

  /** Sends a block of header fields, at the start of a stream or as trailers. */
  void headers(int stream, boolean ends, String... fields) throws IOException {
    frame(HEADERS, END_HEADERS | (ends ? END_STREAM : 0), stream, block(fields));
  }

  /**
   * Header fields as literals without indexing, names and values as ISO 8859-1. Only the names of
   * pseudo headers are indices (RFC 7541 appendix A): Tomcat takes no colon in a literal.
   */
  static byte[] block(String... fields) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    for (int i = 0; i < fields.length; i += 2) {
      Integer index = PSEUDO.get(fields[i]);
      if (index == null) {
        block.write(0);
        string(block, fields[i]);
      } else {
        block.write(index);
      }
      string(block, fields[i + 1]);
    }
    return block.toByteArray();
  }

  private static void string(ByteArrayOutputStream block, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    if (bytes.length < 127) {
      block.write(bytes.length);
    } else {
      block.write(127);
      int rest = bytes.length - 127;
      for (; rest >= 128; rest >>= 7) {
        block.write(rest & 127 | 128);
      }
      block.write(rest);
    }
    block.writeBytes(bytes);
  }

  void data(int stream, boolean ends, String text) throws IOException {
    frame(DATA, ends ? END_STREAM : 0, stream, text.getBytes(StandardCharsets.ISO_8859_1));
  }

  void reset(int stream) throws IOException {
    frame(RST_STREAM, 0, stream, new byte[] {0, 0, 0, 8}); // CANCEL
  }

  void frame(int type, int flags, int stream, byte[] payload) throws IOException {
    byte[] frame = new byte[9 + payload.length];
    frame[0] = (byte) (payload.length >> 16);
    frame[1] = (byte) (payload.length >> 8);
    frame[2] = (byte) payload.length;
    frame[3] = (byte) type;
    frame[4] = (byte) flags;
    for (int i = 0; i < 4; i++) {
      frame[5 + i] = (byte) (stream >> 24 - 8 * i);
    }
    System.arraycopy(payload, 0, frame, 9, payload.length);
    write(frame);
  }

  private void write(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** Reads the next frame that is not about settings or pings, which are answered. */
  Frame read() throws IOException {
    while (true) {
      int length = in.readUnsignedByte() << 16 | in.readUnsignedShort();
      Frame frame =
          new Frame(
              in.readUnsignedByte(),
              in.readUnsignedByte(),
              in.readInt() & Integer.MAX_VALUE,
              in.readNBytes(length));
      switch (frame.type()) {
        case SETTINGS -> {
          if (!frame.has(ACK)) {
            frame(SETTINGS, ACK, 0, new byte[0]);
          }
        }
        case PING -> {
          if (!frame.has(ACK)) {
            frame(PING, ACK, 0, frame.payload());
          }
        }
        case WINDOW_UPDATE -> {}
        default -> {
          return frame;
        }
      }
    }
  }

  /** Reads until a stream, or the connection, has ended; frames of other streams are dropped. */
  Answer answer(int stream) throws IOException {
    int status = 0;
    StringBuilder body = new StringBuilder();
    try {
      while (true) {
        Frame frame = read();
        if (frame.type() == GOAWAY && lastStream(frame) < stream) {
          return new Answer(status, body.toString(), true);
        }
        if (frame.stream() != stream) {
          continue;
        }
        switch (frame.type()) {
          case HEADERS -> status = status == 0 ? status(frame) : status;
          case DATA -> body.append(new String(content(frame), StandardCharsets.ISO_8859_1));
          case RST_STREAM -> {
            return new Answer(status, body.toString(), true);
          }
          default -> {}
        }
        if (frame.has(END_STREAM)) {
          return new Answer(status, body.toString(), false);
        }
      }
    } catch (java.io.EOFException | SSLException | SocketException e) {
      return new Answer(status, body.toString(), true);
    }
  }

  /** Sends a GET and reads what becomes of it. */
  Answer ask(String path, String... fields) throws IOException {
    return answer(get(path, fields));
  }

  private static int lastStream(Frame goAway) {
    byte[] p = goAway.payload();
    return (p[0] & 127) << 24 | (p[1] & 255) << 16 | (p[2] & 255) << 8 | p[3] & 255;
  }

  /** A frame's payload without padding and priority. */
  private static byte[] content(Frame frame) {
    int from = 0;
    int to = frame.payload().length;
    if (frame.has(PADDED)) {
      to -= frame.payload()[0] & 255;
      from++;
    }
    if (frame.type() == HEADERS && frame.has(PRIORITY)) {
      from += 5;
    }
    return java.util.Arrays.copyOfRange(frame.payload(), from, to);
  }

  /** The numbers that the static table has for a status (RFC 7541 appendix A). */
  private static final Map<Integer, Integer> INDEXED =
      Map.of(8, 200, 9, 204, 10, 206, 11, 304, 12, 400, 13, 404, 14, 500);

  /** The status, which stands before all other fields (RFC 9113 §8.3). */
  private static int status(Frame headers) throws IOException {
    byte[] block = content(headers);
    int at = 0;
    while ((block[at] & 0xe0) == 0x20) {
      at++; // the size of the table, which is 0
    }
    int first = block[at] & 255;
    if (first >= 128) {
      Integer known = INDEXED.get(first & 127);
      if (known == null) {
        throw new IOException("expected a status, found the indexed field " + (first & 127));
      }
      return known;
    }
    int name = first & ((first & 0x40) != 0 ? 0x3f : 0x0f);
    if (name < 8 || name > 14) {
      throw new IOException("expected a status, found a field with the name of " + name);
    }
    int length = block[at + 1] & 127;
    boolean packed = block[at + 1] < 0;
    byte[] value = java.util.Arrays.copyOfRange(block, at + 2, at + 2 + length);
    return Integer.parseInt(
        packed ? digits(value) : new String(value, StandardCharsets.ISO_8859_1));
  }

  /** Digits in Huffman's code (RFC 7541 appendix B): 0 to 2 in five bits, 3 to 9 in six. */
  private static String digits(byte[] packed) {
    StringBuilder digits = new StringBuilder();
    long bits = 0;
    for (byte b : packed) {
      bits = bits << 8 | b & 255;
    }
    int left = 8 * packed.length;
    while (digits.length() < 3) {
      int five = (int) (bits >> left - 5) & 31;
      if (five < 3) {
        digits.append(five);
        left -= 5;
      } else {
        digits.append((int) (bits >> left - 6 & 63) - 0x19 + 3);
        left -= 6;
      }
    }
    return digits.toString();
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // The server was faster.
    }
  }
}
