package io.meshnative.intention;

/**
 * The letter case of percent-encodings, the only thing about them that is ever changed: {@code %c3}
 * and {@code %C3} are one byte (RFC 3986 §6.2.2.1). Nothing is decoded.
 */
final class PercentCase {
  private PercentCase() {}

  /**
   * Returns the text with the hexadecimal digits after each {@code %} in upper case. An encoding
   * that the end of the text cuts off is treated the same, because the text may be a prefix.
   */
  static String upper(String text) {
    return convert(text, true);
  }

  /** Returns the text with the hexadecimal digits after each {@code %} in lower case. */
  static String lower(String text) {
    return convert(text, false);
  }

  private static String convert(String text, boolean upper) {
    int percent = text.indexOf('%');
    if (percent < 0) {
      return text;
    }
    char[] converted = text.toCharArray();
    for (int i = percent; i < converted.length; i++) {
      if (converted[i] != '%') {
        continue;
      }
      int end = Math.min(i + 2, converted.length - 1);
      while (i < end && Ascii.hex(converted[i + 1]) >= 0) {
        i++;
        converted[i] = upper ? Ascii.upper(converted[i]) : Ascii.lower(converted[i]);
      }
    }
    return new String(converted);
  }
}
