package io.meshnative.consul;

import java.util.Locale;
import java.util.Objects;

/**
 * Where the agent listens.
 *
 * @param scheme how it is reached
 * @param host a host name, or an IP address without brackets; empty for {@link Scheme#UNIX}
 * @param port 1 to 65535; 0 for {@link Scheme#UNIX}
 * @param path what stands before {@code /v1} in every request, without a slash at its end; the
 *     socket's path for {@link Scheme#UNIX}
 */
public record ConsulAddress(Scheme scheme, String host, int port, String path) {

  /** How the agent is reached. */
  public enum Scheme {
    /** Plaintext HTTP. */
    HTTP,
    /** HTTP over TLS. */
    HTTPS,
    /** A unix domain socket. */
    UNIX
  }

  /** Checks that nothing is null. */
  public ConsulAddress {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(host, "host");
    Objects.requireNonNull(path, "path");
  }

  /**
   * Parses what {@code CONSUL_HTTP_ADDR} may hold: {@code host:port}, {@code
   * http://host[:port][/prefix]}, {@code https://host[:port][/prefix]} or {@code
   * unix:///path/of/socket}.
   *
   * @param text the address
   * @param tls whether an address without scheme, or with {@code http://}, means HTTPS, as {@code
   *     CONSUL_HTTP_SSL} says
   * @return the address
   * @throws IllegalArgumentException if it is no such address; the message never holds what may be
   *     a password
   */
  public static ConsulAddress parse(String text, boolean tls) {
    int mark = text.indexOf("://");
    String rest = mark < 0 ? text : text.substring(mark + 3);
    if (mark >= 0) {
      String scheme = text.substring(0, mark);
      switch (scheme) {
        case "http" -> {}
        case "https" -> tls = true;
        case "unix" -> {
          return unix(rest);
        }
        default -> throw refused("its scheme is not http, https or unix");
      }
    }
    if (rest.indexOf('@') >= 0) {
      throw refused("it holds '@'; give a user and password by CONSUL_HTTP_AUTH or basicAuth()");
    }
    if (rest.indexOf('?') >= 0 || rest.indexOf('#') >= 0) {
      throw refused("it holds a query or a fragment");
    }
    int slash = rest.indexOf('/');
    String authority = slash < 0 ? rest : rest.substring(0, slash);
    String prefix = slash < 0 ? "" : rest.substring(slash);
    while (prefix.endsWith("/")) {
      prefix = prefix.substring(0, prefix.length() - 1);
    }
    if (mark < 0 && !prefix.isEmpty()) {
      throw refused("it has a path and no scheme; write http:// or https:// before it");
    }
    checkPrefix(prefix);
    return authority(tls ? Scheme.HTTPS : Scheme.HTTP, authority, prefix, mark < 0);
  }

  private static ConsulAddress unix(String path) {
    if (!path.startsWith("/")) {
      throw refused("the path of a unix socket must begin with '/', as in unix:///run/consul.sock");
    }
    return new ConsulAddress(Scheme.UNIX, "", 0, path);
  }

  private static ConsulAddress authority(
      Scheme scheme, String authority, String prefix, boolean needsPort) {
    String host;
    String port;
    if (authority.startsWith("[")) {
      int end = authority.indexOf(']');
      if (end < 0) {
        throw refused("a '[' has no ']'");
      }
      host = authority.substring(1, end);
      port = authority.substring(end + 1);
      if (!host.matches("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
        throw refused("what stands in brackets is not an IPv6 address");
      }
    } else {
      int colon = authority.indexOf(':');
      host = colon < 0 ? authority : authority.substring(0, colon);
      port = colon < 0 ? "" : authority.substring(colon);
      if (!host.matches("[A-Za-z0-9._-]+")) {
        throw refused(
            "its host is empty or holds a character other than letters, digits, '.', '-', '_'");
      }
    }
    if (port.isEmpty()) {
      if (needsPort) {
        throw refused("it has no port; the agent's HTTP port is 8500 unless configured otherwise");
      }
      return new ConsulAddress(scheme, host, scheme == Scheme.HTTPS ? 443 : 80, prefix);
    }
    return new ConsulAddress(scheme, host, port(port), prefix);
  }

  private static int port(String text) {
    if (text.matches(":[0-9]{1,5}")) {
      int port = Integer.parseInt(text.substring(1));
      if (port >= 1 && port <= 65535) {
        return port;
      }
    }
    throw refused("its port is not a number from 1 to 65535");
  }

  private static void checkPrefix(String prefix) {
    if (!prefix.matches("(/[A-Za-z0-9._~-]+)*") || prefix.matches("(.*/)?\\.\\.?(/.*)?")) {
      throw refused(
          "its path holds a character other than letters, digits, '.', '-', '_', '~', or a dot"
              + " segment");
    }
  }

  private static IllegalArgumentException refused(String why) {
    return new IllegalArgumentException(
        "expected host:port, http://host:port, https://host:port or unix:///path, found another"
            + " text: "
            + why);
  }

  /**
   * Returns whether what is sent there stays on this machine.
   *
   * @return true for a unix socket, {@code localhost}, {@code 127.0.0.0/8} and {@code ::1}
   */
  public boolean isLoopback() {
    return scheme == Scheme.UNIX
        || host.equalsIgnoreCase("localhost")
        || host.matches("127(\\.[0-9]{1,3}){3}")
        || host.matches("(0{0,4}:)+0{0,3}1");
  }

  /** Returns the address as a URL. */
  @Override
  public String toString() {
    String shown = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    return scheme.name().toLowerCase(Locale.ROOT)
        + "://"
        + shown
        + (scheme == Scheme.UNIX ? "" : ":" + port)
        + path;
  }
}
