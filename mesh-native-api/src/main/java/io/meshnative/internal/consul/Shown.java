package io.meshnative.internal.consul;

/**
 * Untrusted text, made safe for a message: control and non-ASCII characters are escaped, long text
 * is cut.
 */
final class Shown {
  private static final int MAX = 200;

  private Shown() {}

  static String quote(String untrusted) {
    StringBuilder shown = new StringBuilder(Math.min(untrusted.length(), MAX) + 2).append('"');
    for (int i = 0; i < untrusted.length() && i < MAX; i++) {
      char c = untrusted.charAt(i);
      if (c < 0x20 || c > 0x7e) {
        shown.append(String.format("\\u%04x", (int) c));
      } else {
        shown.append(c);
      }
    }
    return shown.append(untrusted.length() > MAX ? "…\"" : "\"").toString();
  }
}
