package io.meshnative.intention;

import java.util.Locale;
import java.util.OptionalInt;

/**
 * The host and port that a request names.
 *
 * @param host the host, lower-case; an IPv6 address in its brackets
 * @param port the port as given, empty if none is
 */
record Authority(String host, OptionalInt port) {
  private static final int MAX_HOST = 255;

  /** Parses {@code host[:port]}; {@code where} says in messages where it stands. */
  static Authority parse(String where, String text) throws MalformedRequestException {
    int hostEnd = text.startsWith("[") ? text.indexOf(']') + 1 : text.indexOf(':');
    if (text.startsWith("[") && hostEnd == 0) {
      throw refused(where, "an IPv6 address in brackets, found no ']'");
    }
    if (hostEnd < 0) {
      hostEnd = text.length();
    }
    String given = text.substring(0, hostEnd);
    if (given.isEmpty() || given.length() > MAX_HOST) {
      throw refused(where, "a host of 1 to " + MAX_HOST + " characters, found " + given.length());
    }
    // Checked as it was sent: lowering makes a letter of ASCII out of U+212A, the kelvin sign.
    if (given.startsWith("[")) {
      requireIpv6(where, given);
    } else {
      requireName(where, given);
    }
    String host = given.toLowerCase(Locale.ROOT);
    return new Authority(host, port(where, text.substring(hostEnd)));
  }

  private static void requireIpv6(String where, String host) throws MalformedRequestException {
    // No zone: it means something on the sender's machine only.
    for (int i = 1; i < host.length() - 1; i++) {
      char c = host.charAt(i);
      if (Ascii.hex(c) < 0 && c != ':' && c != '.') {
        throw refused(where, "an IPv6 address in brackets, found " + Printable.codePoint(c));
      }
    }
    if (host.indexOf(':') < 0) {
      throw refused(where, "an IPv6 address in brackets, found none");
    }
  }

  private static void requireName(String where, String host) throws MalformedRequestException {
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      if (!Ascii.isLetterOrDigit(c) && c != '-' && c != '.' && c != '_') {
        throw refused(
            where,
            "one host of letters, digits, '-', '.' and '_', without user info, found "
                + Printable.codePoint(c)
                + " at position "
                + i);
      }
    }
    if (host.startsWith(".") || host.endsWith(".") || host.contains("..")) {
      throw refused(where, "a host without leading, trailing or doubled dot, found one with it");
    }
  }

  private static OptionalInt port(String where, String rest) throws MalformedRequestException {
    if (rest.isEmpty()) {
      return OptionalInt.empty();
    }
    int port = 0;
    boolean digits = rest.startsWith(":") && rest.length() > 1 && rest.length() <= 6;
    for (int i = 1; digits && i < rest.length(); i++) {
      digits = Ascii.isDigit(rest.charAt(i));
      port = port * 10 + (rest.charAt(i) - '0');
    }
    // A leading zero is a second spelling of the same port.
    if (!digits || rest.charAt(1) == '0' || port > 65535) {
      throw refused(where, "a port from 1 to 65535 after the host, found something else");
    }
    return OptionalInt.of(port);
  }

  private static MalformedRequestException refused(String where, String expectedAndFound) {
    return new MalformedRequestException("expected in " + where + " " + expectedAndFound);
  }

  /** Returns {@code host[:port]}, the one spelling that is compared. */
  @Override
  public String toString() {
    return port.isPresent() ? host + ":" + port.getAsInt() : host;
  }
}
