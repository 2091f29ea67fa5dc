package io.meshnative.intention;

/** Questions about single characters, answered for ASCII only whatever the locale. */
final class Ascii {
  private Ascii() {}

  static boolean isLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  static boolean isLetterOrDigit(char c) {
    return isLetter(c) || isDigit(c);
  }

  /** Returns the value of a hexadecimal digit, -1 if it is none. Other scripts' digits are none. */
  static int hex(char c) {
    if (isDigit(c)) {
      return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
      return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }

  /** Whether the text stands in the value at this place, whatever the letter case. */
  static boolean regionMatches(String value, int offset, String text) {
    if (offset < 0 || offset > value.length() - text.length()) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (lower(value.charAt(offset + i)) != lower(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char) (c - 0x20) : c;
  }

  static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char) (c + 0x20) : c;
  }
}
