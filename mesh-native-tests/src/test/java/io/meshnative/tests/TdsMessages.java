package io.meshnative.tests;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What SQL Server and its callers say to each other (MS-TDS, version 7.4): packets that make
 * messages, and the tokens of an answer.
 */
final class TdsMessages {
  static final int SQL_BATCH = 0x01;
  static final int RESPONSE = 0x04;
  static final int ATTENTION = 0x06;
  static final int LOGIN7 = 0x10;
  static final int PRELOGIN = 0x12;

  /** No packet begins with it, and a caller that is told {@code encrypt=strict} does. */
  private static final int TLS_HANDSHAKE = 0x16;

  private static final int HEADER = 8;
  private static final int END_OF_MESSAGE = 1;
  private static final int PACKET = 4096;

  private TdsMessages() {}

  /** A message, of one packet or more. */
  record Message(int type, byte[] body) {
    /** The text of a batch, after its headers. */
    String text() {
      ByteBuffer in = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
      int headers = in.getInt(0);
      return new String(body, headers, body.length - headers, StandardCharsets.UTF_16LE);
    }

    /** A text of the login's variable part, by where its offset and length stand. */
    String loginText(int at) {
      ByteBuffer in = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
      return new String(body, in.getShort(at), 2 * in.getShort(at + 2), StandardCharsets.UTF_16LE);
    }

    String user() {
      return loginText(40);
    }

    String database() {
      return loginText(68);
    }

    /** Each byte was turned by half and then xored, which hides it from nobody. */
    String password() {
      ByteBuffer in = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
      byte[] clear = new byte[2 * in.getShort(46)];
      for (int i = 0; i < clear.length; i++) {
        int turned = (body[in.getShort(44) + i] & 0xff) ^ 0xa5;
        clear[i] = (byte) (turned << 4 | turned >> 4);
      }
      return new String(clear, StandardCharsets.UTF_16LE);
    }
  }

  /** Reads a message; null at the end of the stream. */
  static Message read(InputStream stream) throws IOException {
    DataInputStream in = new DataInputStream(stream);
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      byte[] header = new byte[HEADER];
      try {
        in.readFully(header);
      } catch (EOFException e) {
        return null;
      }
      if (header[0] == TLS_HANDSHAKE) {
        throw new IOException("expected a packet, found a record of TLS");
      }
      int length = (header[2] & 0xff) << 8 | header[3] & 0xff;
      byte[] part = new byte[length - HEADER];
      in.readFully(part);
      body.writeBytes(part);
      if ((header[1] & END_OF_MESSAGE) != 0) {
        return new Message(header[0], body.toByteArray());
      }
    }
  }

  static void write(OutputStream out, int type, byte[] body) throws IOException {
    ByteArrayOutputStream packets = new ByteArrayOutputStream();
    int at = 0;
    do {
      int length = Math.min(PACKET - HEADER, body.length - at);
      boolean last = at + length == body.length;
      packets.writeBytes(
          new byte[] {
            (byte) type,
            (byte) (last ? END_OF_MESSAGE : 0),
            (byte) (length + HEADER >> 8),
            (byte) (length + HEADER),
            0,
            0,
            1,
            0
          });
      packets.write(body, at, length);
      at += length;
    } while (at < body.length);
    packets.writeTo(out);
    out.flush();
  }

  /** Tokens one after the other. */
  static final class Tokens {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    byte[] toByteArray() {
      return bytes.toByteArray();
    }

    private Tokens number(long value, int width) {
      for (int i = 0; i < width; i++) {
        bytes.write((int) (value >> 8 * i));
      }
      return this;
    }

    private Tokens shortText(String text) {
      bytes.write(text.length());
      bytes.writeBytes(text.getBytes(StandardCharsets.UTF_16LE));
      return this;
    }

    /** Who the server says to be: that of 2019. */
    Tokens loggedIn(String database) {
      Tokens change = new Tokens();
      change.number(1, 1).shortText(database).shortText("master");
      number(0xe3, 1).number(change.bytes.size(), 2);
      bytes.writeBytes(change.toByteArray());
      // SQL_Latin1_General_CP1_CI_AS
      Tokens collation = new Tokens();
      collation.number(7, 1).number(5, 1).number(0x3400d00409L, 5).number(0, 1);
      number(0xe3, 1).number(collation.bytes.size(), 2);
      bytes.writeBytes(collation.toByteArray());
      Tokens ack = new Tokens();
      ack.number(1, 1).number(0x04000074L, 4).shortText("Microsoft SQL Server");
      ack.number(15, 1).number(0, 1).number(0, 1).number(0, 1);
      number(0xad, 1).number(ack.bytes.size(), 2);
      bytes.writeBytes(ack.toByteArray());
      return this;
    }

    Tokens error(int number, String message) {
      Tokens error = new Tokens();
      error.number(number, 4).number(1, 1).number(14, 1).number(message.length(), 2);
      error.bytes.writeBytes(message.getBytes(StandardCharsets.UTF_16LE));
      error.shortText("responder").shortText("").number(1, 4);
      number(0xaa, 1).number(error.bytes.size(), 2);
      bytes.writeBytes(error.toByteArray());
      return this;
    }

    /** A column of integers, and its rows from 1 on. */
    Tokens numbers(String column, int rows) {
      number(0x81, 1).number(1, 2).number(0, 4).number(0, 2).number(0x38, 1).shortText(column);
      for (int i = 1; i <= rows; i++) {
        number(0xd1, 1).number(i, 4);
      }
      return this;
    }

    /** The end of a result, with its rows counted. */
    Tokens done(int rows) {
      return number(0xfd, 1).number(0x10, 2).number(0xc1, 2).number(rows, 8);
    }

    Tokens failed() {
      return number(0xfd, 1).number(0x02, 2).number(0, 2).number(0, 8);
    }

    /** What an attention is answered with. */
    Tokens attended() {
      return number(0xfd, 1).number(0x20, 2).number(0, 2).number(0, 8);
    }
  }
}
