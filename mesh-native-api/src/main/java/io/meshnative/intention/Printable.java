package io.meshnative.intention;

/** Text that others wrote, made safe for one line of a message. */
final class Printable {
  private static final int MAX_SHOWN = 200;

  private Printable() {}

  /** Returns the text escaped and between quotation marks. */
  static String quote(String text) {
    return '"' + escape(text) + '"';
  }

  /** Returns the text with all but printable ASCII escaped, cut if it is long. */
  static String escape(String text) {
    int shown = Math.min(text.length(), MAX_SHOWN);
    StringBuilder escaped = new StringBuilder(shown + 2);
    for (int i = 0; i < shown; i++) {
      char c = text.charAt(i);
      if (c < 0x20 || c > 0x7e) {
        escaped.append(String.format("\\u%04x", (int) c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.append(shown < text.length() ? "..." : "").toString();
  }

  /**
   * Returns the text with its control characters escaped, so that it cannot forge a line of a log.
   */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean breaks = Character.isISOControl(c) || c == '\u2028' || c == '\u2029';
      if (breaks) {
        line.append(String.format("\\u%04x", (int) c));
      } else {
        line.append(c);
      }
    }
    return line.toString();
  }

  /** Names one character by its code point. */
  static String codePoint(char c) {
    return String.format("U+%04X", (int) c);
  }
}
