package io.meshnative.intention;

/**
 * The spelling of a path in which rules and requests are compared: encodings of characters that
 * could stand for themselves are taken off, all others are upper-cased.
 *
 * <p>To a server that decodes before it routes, {@code /users%3Adelete} is {@code /users:delete};
 * whoever compared the two as texts would let it around a rule (T31). What is left encoded, such as
 * {@code %20}, {@code %3F} and letters beyond ASCII, has one spelling only, so two plain paths are
 * equal exactly where the decoded ones are. Idempotent.
 */
final class PlainPath {
  private PlainPath() {}

  /**
   * Returns the plain spelling; the same object if the text has no encoding. An encoding that the
   * end of the text cuts off is upper-cased, because the text may be a prefix.
   */
  static String of(String text) {
    if (text.indexOf('%') < 0) {
      return text;
    }
    String upper = PercentCase.upper(text);
    StringBuilder plain = new StringBuilder(upper.length());
    for (int i = 0; i < upper.length(); i++) {
      char c = upper.charAt(i);
      int octet = c == '%' && i + 2 < upper.length() ? octet(upper, i) : -1;
      if (octet >= 0 && standsForItself((char) octet)) {
        plain.append((char) octet);
        i += 2;
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }

  private static int octet(String text, int percent) {
    int high = Ascii.hex(text.charAt(percent + 1));
    int low = Ascii.hex(text.charAt(percent + 2));
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  /** Whether a canonical path may hold the character as it is: then its encoding is an alias. */
  private static boolean standsForItself(char c) {
    return c > 0x20 && c < 0x7f && "/\\%;?#".indexOf(c) < 0;
  }
}
