package io.meshnative.internal.flight;

import org.jspecify.annotations.Nullable;

/** Text that a peer had a hand in, on its way to logs, events, recordings and status pages. */
public final class OneLine {
  private static final int MAX = 1024;

  private OneLine() {}

  /**
   * One line of printable characters, bounded: a name in a certificate may be 64 KiB long and hold
   * line ends.
   */
  public static String of(@Nullable String text) {
    if (text == null) {
      return "no reason given";
    }
    StringBuilder line = new StringBuilder(Math.min(text.length(), MAX + 1));
    for (int i = 0; i < text.length() && i < MAX; i++) {
      char c = text.charAt(i);
      boolean harmless =
          c >= ' ' && c != 0x7f && !Character.isISOControl(c) && c != 0x2028 && c != 0x2029;
      line.append(harmless ? c : '?');
    }
    return (text.length() > MAX
            ? line.append("… (").append(text.length()).append(" characters)")
            : line)
        .toString();
  }
}
