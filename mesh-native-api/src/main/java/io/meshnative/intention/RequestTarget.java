package io.meshnative.intention;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A request target (RFC 9112 §3.2), taken apart. Only targets that every server reads in the same
 * way are accepted.
 *
 * @param path the judged path: the target before {@code ?}, percent-encodings in upper case
 * @param authority the authority of an absolute-form target
 */
record RequestTarget(String path, @Nullable Authority authority) {

  static RequestTarget parse(String method, String raw) throws MalformedRequestException {
    if (raw.isEmpty()) {
      throw new MalformedRequestException("expected a request target, found none");
    }
    requireVisible(raw);
    if (raw.equals("*")) {
      if (!method.equals("OPTIONS")) {
        throw new MalformedRequestException(
            "expected the target \"*\" with the method OPTIONS only, found it with another one");
      }
      return new RequestTarget(raw, null);
    }
    int query = raw.indexOf('?');
    String target = query < 0 ? raw : raw.substring(0, query);
    if (target.startsWith("/")) {
      return new RequestTarget(CanonicalPath.of(target), null);
    }
    return absolute(method, target);
  }

  private static RequestTarget absolute(String method, String target)
      throws MalformedRequestException {
    int schemeEnd = target.indexOf("://");
    String scheme = schemeEnd < 0 ? "" : target.substring(0, schemeEnd).toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https")) {
      throw new MalformedRequestException(
          "expected a request target that starts with '/', \"http://\" or \"https://\", found one"
              + " that does not; the authority-form of CONNECT is not served");
    }
    int authorityStart = schemeEnd + 3;
    int slash = target.indexOf('/', authorityStart);
    String authority =
        slash < 0 ? target.substring(authorityStart) : target.substring(authorityStart, slash);
    if (slash < 0 && method.equals("OPTIONS")) {
      // RFC 9112 §3.2.4 turns it into "*" on the last hop: some servers see "*", others "/".
      throw new MalformedRequestException(
          "expected a path in the absolute-form target of OPTIONS, found none");
    }
    String path = slash < 0 ? "/" : CanonicalPath.of(target.substring(slash));
    return new RequestTarget(path, Authority.parse("the request target", authority));
  }

  private static void requireVisible(String raw) throws MalformedRequestException {
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c < 0x21 || c > 0x7e) {
        throw new MalformedRequestException(
            "expected a request target of visible ASCII characters, found "
                + Printable.codePoint(c)
                + " at position "
                + i);
      }
      if (c == '#') {
        throw new MalformedRequestException(
            "expected a request target without fragment, found '#' at position " + i);
      }
    }
  }
}
