package io.meshnative.intention;

/**
 * The one spelling of a path that is both judged and handled.
 *
 * <p>Servers, frameworks and file systems decode, collapse and cut paths in different ways; whoever
 * judges another spelling than the handler sees lets requests around the rules (T30, T31). So what
 * could be read in two ways is refused, and nothing is decoded.
 */
final class CanonicalPath {
  private CanonicalPath() {}

  /**
   * Checks a path that starts with a slash and has no query; returns it with encodings upper-cased.
   */
  static String of(String path) throws MalformedRequestException {
    int segmentStart = 1;
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      switch (c) {
        case '\\', ';' -> throw refused("a path without '\\' and ';'", "'" + c + "'", i);
        case '%' -> i += requireNeeded(path, i) - 1;
        case '/' -> {
          if (i > 0) {
            requireSegment(path, segmentStart, i);
            segmentStart = i + 1;
          }
        }
        default -> {}
      }
    }
    requireNoDots(path, segmentStart, path.length());
    return PercentCase.upper(path);
  }

  private static void requireSegment(String path, int start, int end)
      throws MalformedRequestException {
    if (start == end) {
      throw refused("a path without empty segments", "\"//\"", end - 1);
    }
    requireNoDots(path, start, end);
  }

  private static void requireNoDots(String path, int start, int end)
      throws MalformedRequestException {
    int length = end - start;
    boolean one = length == 1 && path.charAt(start) == '.';
    boolean two = length == 2 && path.charAt(start) == '.' && path.charAt(start + 1) == '.';
    if (one || two) {
      throw refused("a path without dot segments", one ? "\".\"" : "\"..\"", start);
    }
  }

  /**
   * A percent-encoding has to be well-formed, and to stand for a character that an application may
   * need to have encoded. Returns how long the encodings of that character are.
   */
  private static int requireNeeded(String path, int percent) throws MalformedRequestException {
    int octet = octet(path, percent);
    if (octet < 0) {
      throw refused("two hexadecimal digits after '%'", "something else", percent);
    }
    char c = (char) octet;
    boolean unreserved = Ascii.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0;
    if (unreserved) {
      throw refused("unreserved characters as themselves", encoded(octet), percent);
    }
    if ("/\\%;".indexOf(c) >= 0) {
      throw refused("no encoded '/', '\\', '%' or ';'", encoded(octet), percent);
    }
    if (octet < 0x20 || octet == 0x7f) {
      throw refused("no encoded control character", encoded(octet), percent);
    }
    int bytes = octet < 0x80 ? 1 : sequence(path, percent, octet);
    if (bytes == 0) {
      throw refused("encoded characters in UTF-8, in its shortest form", encoded(octet), percent);
    }
    return 3 * bytes;
  }

  /**
   * Returns how many bytes the character has that begins here, 0 if none does. What is no UTF-8, or
   * not in its shortest form, lax decoders read as something else, and others as the one
   * replacement character: two paths would be routed as one.
   */
  private static int sequence(String path, int percent, int first) {
    int length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4) {
      return 0;
    }
    int code = first & 0xff >> length + 1;
    for (int i = 1; i < length; i++) {
      int next = octet(path, percent + 3 * i);
      if (next < 0x80 || next > 0xbf) {
        return 0;
      }
      code = code << 6 | next & 0x3f;
    }
    boolean shortest = length == 2 || code >= (length == 3 ? 0x800 : 0x10000);
    boolean surrogate = code >= 0xd800 && code <= 0xdfff;
    return shortest && !surrogate && code <= 0x10ffff ? length : 0;
  }

  /** Returns the byte that the encoding at this place stands for, -1 if there is none. */
  private static int octet(String path, int percent) {
    if (percent + 2 >= path.length() || path.charAt(percent) != '%') {
      return -1;
    }
    int high = Ascii.hex(path.charAt(percent + 1));
    int low = Ascii.hex(path.charAt(percent + 2));
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }

  private static String encoded(int octet) {
    return String.format("%%%02X", octet);
  }

  private static MalformedRequestException refused(String expected, String found, int position) {
    return new MalformedRequestException(
        "expected " + expected + ", found " + found + " at position " + position + " of the path");
  }
}
