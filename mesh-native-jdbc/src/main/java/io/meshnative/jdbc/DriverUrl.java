package io.meshnative.jdbc;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A driver's URL in parts. Stricter than the drivers: what two of them, or a driver and a reader,
 * could understand in two ways is refused, for a host that hides from us would be spoken to without
 * the mesh.
 *
 * @param dialect whose URL it is
 * @param host the host, as written; for PostgreSQL perhaps several, with commas between them
 * @param port {@code :5432}, or empty; always empty where there are several hosts
 * @param path {@code /app}, or empty; for SQL Server always empty
 * @param parameters name to value, both as written, in their order; a value is null where there is
 *     no {@code =}
 */
record DriverUrl(
    Dialect dialect,
    String host,
    String port,
    String path,
    Map<String, @Nullable String> parameters) {
  private static final Pattern AUTHORITY =
      Pattern.compile("([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?(:[0-9]{1,5})?");
  private static final String ONE_OF_SEVERAL =
      "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?::[0-9]{1,5})?";
  private static final Pattern SEVERAL =
      Pattern.compile(ONE_OF_SEVERAL + "(?:," + ONE_OF_SEVERAL + ")+");
  private static final Pattern PATH = Pattern.compile("(/[^/?#;&()\\\\\\p{Cntrl}\\s]*)?");
  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]*");
  private static final Pattern SECRET =
      Pattern.compile("(?i).*(pass|pwd|secret|token|key|credential).*");

  /**
   * Reads a URL.
   *
   * @throws IllegalArgumentException if it is none of a known driver, or not plain enough; the
   *     message holds no password
   */
  static DriverUrl parse(String url) {
    Dialect dialect = Dialect.of(url);
    String rest = url.substring(dialect.prefix.length());
    if (rest.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException("expected a URL without control characters, found one");
    }
    if (rest.toLowerCase(Locale.ROOT).contains("address=(")) {
      // Wherever it stands, MariaDB's driver takes it for a host.
      throw new IllegalArgumentException(
          "expected one service as the host, found address=(...); it is no parameter either");
    }
    char first = dialect == Dialect.SQL_SERVER ? ';' : '?';
    int end = rest.indexOf(first);
    String where = end < 0 ? rest : rest.substring(0, end);
    String tail = end < 0 ? "" : rest.substring(end + 1);
    int slash = where.indexOf('/');
    String authority = slash < 0 ? where : where.substring(0, slash);
    String path = slash < 0 ? "" : where.substring(slash);
    String host;
    String port = "";
    if (dialect == Dialect.POSTGRESQL && SEVERAL.matcher(authority).matches()) {
      host = authority.replaceAll(":[0-9]{1,5}", "");
    } else {
      Matcher matcher = AUTHORITY.matcher(authority);
      if (!matcher.matches()) {
        throw new IllegalArgumentException(badAuthority(dialect, authority));
      }
      host = matcher.group(1) == null ? "" : matcher.group(1);
      port = matcher.group(2) == null ? "" : matcher.group(2);
    }
    if (!PATH.matcher(path).matches() || (dialect == Dialect.SQL_SERVER && !path.isEmpty())) {
      throw new IllegalArgumentException(
          "expected the name of a database after the host, found characters that are none");
    }
    if (dialect == Dialect.POSTGRESQL && path.isEmpty()) {
      path = "/"; // which the driver insists on
    }
    return new DriverUrl(
        dialect,
        host,
        port,
        path,
        dialect == Dialect.SQL_SERVER ? semicolons(tail) : query(dialect, tail));
  }

  private static String badAuthority(Dialect dialect, String authority) {
    String expected = "expected one service as the host of a " + dialect.prefix + " URL, found ";
    if (authority.indexOf('@') >= 0) {
      return expected + "a user in front of it; give the parameters user and password";
    }
    if (authority.indexOf(',') >= 0) {
      return expected
          + "several hosts; register them as one service, the mesh chooses a healthy endpoint";
    }
    if (authority.indexOf('\\') >= 0) {
      return expected + "the name of an instance; register each instance as a service";
    }
    return expected + "\"" + authority + "\"";
  }

  private static Map<String, @Nullable String> query(Dialect dialect, String text) {
    Map<String, @Nullable String> parameters = new LinkedHashMap<>();
    if (text.isEmpty()) {
      return parameters;
    }
    for (String pair : text.split("&", -1)) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      String value = equals < 0 ? null : pair.substring(equals + 1);
      String name = equals < 0 ? pair : pair.substring(0, equals);
      if (value != null && (value.indexOf('#') >= 0 || value.indexOf('?') >= 0)) {
        throw new IllegalArgumentException(
            "expected '#' and '?' in the value of "
                + shown(name)
                + " escaped, found them plain; or give it as a property beside the URL");
      }
      if (value != null && !dialect.canDecode(value)) {
        throw new IllegalArgumentException(
            "expected two hexadecimal digits after each '%' in the value of "
                + shown(name)
                + ", found something else");
      }
      add(dialect, parameters, name, value);
    }
    return parameters;
  }

  /** SQL Server's form: a value in braces may hold semicolons, and a brace twice is one brace. */
  private static Map<String, @Nullable String> semicolons(String text) {
    Map<String, @Nullable String> parameters = new LinkedHashMap<>();
    int at = 0;
    while (at < text.length()) {
      int equals = text.indexOf('=', at);
      int end = text.indexOf(';', at);
      if (end == at) {
        at++;
        continue;
      }
      if (equals < 0 || (end >= 0 && end < equals)) {
        // What it is stays unsaid: it may be the rest of a password.
        throw new IllegalArgumentException(
            "expected name=value between semicolons, found a part without '='");
      }
      String name = text.substring(at, equals);
      int valueEnd =
          text.startsWith("{", equals + 1)
              ? endOfBraces(name, text, equals + 2)
              : end < 0 ? text.length() : end;
      String value = text.substring(equals + 1, valueEnd);
      if (!value.startsWith("{") && value.matches(".*[{}].*")) {
        throw new IllegalArgumentException(
            "expected braces around the whole value of " + shown(name) + ", found one inside");
      }
      add(Dialect.SQL_SERVER, parameters, name, value);
      at = valueEnd + 1;
    }
    return parameters;
  }

  private static int endOfBraces(String name, String text, int from) {
    for (int at = from; at < text.length(); at++) {
      if (text.charAt(at) == '}') {
        if (text.startsWith("}", at + 1)) {
          at++;
        } else if (at + 1 == text.length() || text.charAt(at + 1) == ';') {
          return at + 1;
        } else {
          break;
        }
      }
    }
    throw new IllegalArgumentException(
        "expected a closing brace at the end of the value of " + shown(name) + ", found none");
  }

  private static void add(
      Dialect dialect,
      Map<String, @Nullable String> parameters,
      String name,
      @Nullable String value) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "expected a parameter's name of letters, digits, '.', '_' or '-', found " + shown(name));
    }
    for (Map.Entry<String, @Nullable String> other : parameters.entrySet()) {
      if (dialect.isSame(other.getKey(), name)) {
        throw new IllegalArgumentException(
            "expected each parameter once, found "
                + shown(other.getKey(), other.getValue())
                + " and "
                + shown(name, value));
      }
    }
    parameters.put(name, value);
  }

  /** A name for people; what is no name may hold anything, a password too. */
  private static String shown(String name) {
    return NAME.matcher(name).matches() ? name : "something else";
  }

  /** A parameter for people, whose value may be a secret. */
  static String shown(String name, @Nullable String value) {
    return name + "=" + (value == null || !SECRET.matcher(name).matches() ? value : "(hidden)");
  }

  /** The value that the driver will see. */
  @Nullable String value(String name) {
    for (Map.Entry<String, @Nullable String> parameter : parameters.entrySet()) {
      if (dialect.isSame(parameter.getKey(), name)) {
        return dialect.decode(parameter.getValue() == null ? "" : parameter.getValue());
      }
    }
    return null;
  }

  /** Writes the URL. */
  String text() {
    StringBuilder text = new StringBuilder(dialect.prefix).append(host).append(port).append(path);
    boolean query = dialect != Dialect.SQL_SERVER;
    char separator = query ? '?' : ';';
    for (Map.Entry<String, @Nullable String> parameter : parameters.entrySet()) {
      text.append(separator).append(parameter.getKey());
      if (parameter.getValue() != null) {
        text.append('=').append(parameter.getValue());
      }
      separator = query ? '&' : ';';
    }
    return text.toString();
  }

  /** Names no parameter: they may hold a password. */
  @Override
  public String toString() {
    return dialect.prefix.toLowerCase(Locale.ROOT) + host + port + path;
  }
}
