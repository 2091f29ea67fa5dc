package io.meshnative.tests;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A ClientHello byte by byte (RFC 8446 §4.1.2), for those that no TLS library sends. */
final class HandMadeHello {
  private static final int MAX_RECORD = 16 * 1024;

  private final List<byte[]> extensions = new ArrayList<>();

  /** A hello that both TLS versions of ours answer. */
  static HandMadeHello good() {
    return new HandMadeHello()
        .with(43, list8(new byte[] {3, 4, 3, 3}))
        .with(10, list16(new byte[] {0, 29, 0, 23}))
        .with(13, list16(new byte[] {4, 3, 5, 3, 8, 4}))
        .with(23, new byte[0])
        .with(51, list16(concat(new byte[] {0, 29, 0, 32}, filled(32, 9))));
  }

  HandMadeHello with(int type, byte[] body) {
    extensions.add(concat(int16(type), int16(body.length), body));
    return this;
  }

  /** A server name of any length. */
  HandMadeHello serverName(String name) {
    byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
    return with(0, list16(concat(new byte[] {0}, int16(bytes.length), bytes)));
  }

  /** Offers early data under a ticket that nobody issued; the ticket has to be the last. */
  HandMadeHello earlyData() {
    byte[] identity = concat(int16(32), filled(32, 7), new byte[4]);
    byte[] binder = concat(new byte[] {32}, filled(32, 8));
    return with(45, list8(new byte[] {1}))
        .with(42, new byte[0])
        .with(41, concat(list16(identity), list16(binder)));
  }

  byte[] message() {
    byte[] all = concat(extensions.toArray(new byte[0][]));
    byte[] body =
        concat(
            new byte[] {3, 3},
            filled(32, 5),
            list8(filled(32, 6)),
            list16(new byte[] {0x13, 1, 0x13, 2, (byte) 0xc0, 0x2b, (byte) 0xc0, 0x2f}),
            new byte[] {1, 0},
            list16(all));
    return concat(
        new byte[] {1, (byte) (body.length >> 16), (byte) (body.length >> 8), (byte) body.length},
        body);
  }

  /** The message in as many records as it needs. */
  byte[] records() {
    byte[] message = message();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int at = 0; at < message.length; at += MAX_RECORD) {
      int length = Math.min(MAX_RECORD, message.length - at);
      out.writeBytes(header(22, length));
      out.write(message, at, length);
    }
    return out.toByteArray();
  }

  static byte[] header(int type, int length) {
    return new byte[] {(byte) type, 3, 3, (byte) (length >> 8), (byte) length};
  }

  static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static byte[] int16(int value) {
    return new byte[] {(byte) (value >> 8), (byte) value};
  }

  private static byte[] list8(byte[] body) {
    return concat(new byte[] {(byte) body.length}, body);
  }

  private static byte[] list16(byte[] body) {
    return concat(int16(body.length), body);
  }
}
