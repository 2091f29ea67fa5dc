package io.meshnative.testkit.internal;

import java.util.HexFormat;

/** Bytes as Consul writes ids and serial numbers: lower-case hex, a colon between bytes. */
public final class ColonHex {
  private static final HexFormat FORMAT = HexFormat.ofDelimiter(":");

  private ColonHex() {}

  public static String of(byte[] bytes) {
    return FORMAT.formatHex(bytes);
  }
}
