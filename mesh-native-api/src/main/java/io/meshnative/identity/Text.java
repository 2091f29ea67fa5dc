package io.meshnative.identity;

/**
 * Untrusted text, made safe for a message: control and non-ASCII characters are escaped, long text
 * is cut.
 */
final class Text {
  private static final int MAX_SHOWN = 200;

  private Text() {}

  static String quote(String untrusted) {
    StringBuilder shown =
        new StringBuilder(Math.min(untrusted.length(), MAX_SHOWN) + 2).append('"');
    for (int i = 0; i < untrusted.length() && i < MAX_SHOWN; i++) {
      char c = untrusted.charAt(i);
      if (c < 0x20 || c > 0x7e) {
        shown.append(String.format("\\u%04x", (int) c));
      } else {
        shown.append(c);
      }
    }
    return shown.append(untrusted.length() > MAX_SHOWN ? "…\"" : "\"").toString();
  }
}
