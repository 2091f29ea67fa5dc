package io.meshnative.intention;

import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The one canonical request that is judged and handled: method, path, host and headers in the only
 * spelling that all servers read alike.
 *
 * <pre>{@code
 * HttpRequestView request;
 * try {
 *   request = HttpRequestView.of("GET", rawTarget, headers.values("Host"), headers.toMultimap());
 * } catch (MalformedRequestException e) {
 *   // answer 400 and close the connection
 * }
 * }</pre>
 *
 * <p>Nothing is decoded and almost nothing normalised; what has a second reading is refused:
 *
 * <ul>
 *   <li><b>target:</b> origin-form ({@code /path?query}); absolute-form with {@code http} or {@code
 *       https}, whose authority equals the host; {@code *} with {@code OPTIONS}. The authority-form
 *       of {@code CONNECT} is refused: it has no path to judge, and a service is no tunnel. {@code
 *       CONNECT} with a path is judged as any request (RFC 8441).
 *   <li><b>path:</b> what stands before {@code ?}. Refused: {@code \}, {@code ;}, {@code #}, {@code
 *       //}, the segments {@code .} and {@code ..}, characters outside 0x21 to 0x7E, malformed
 *       encodings, and encodings of unreserved characters, of {@code / \ % ;}, of controls, or of
 *       what is no UTF-8 in its shortest form. Other encodings are upper-cased. {@code /ADMIN} and
 *       {@code /admin/} are other paths than {@code /admin}. Rules take {@code /a%40b} for {@code
 *       /a@b}, as every server does that decodes.
 *   <li><b>host:</b> exactly one line, also if several are identical; lower-cased; no user info, no
 *       trailing dot.
 *   <li><b>method:</b> a token, its letter case kept. Headers that ask for another method are not
 *       read.
 *   <li><b>headers:</b> names are tokens, lower-cased, without {@code _}; values are printable
 *       ASCII with blanks and tabs, trimmed at both ends.
 * </ul>
 *
 * <p>Building takes time linear in the size of the request. Immutable and thread-safe.
 */
public final class HttpRequestView {
  static final String HOST = "host";

  private static final int MAX_SHOWN = 200;

  private final String method;
  private final String path;
  private final String plainPath;
  private final Authority authority;
  private final Map<String, HeaderField> fields;

  private HttpRequestView(
      String method, String path, Authority authority, Map<String, HeaderField> fields) {
    this.method = method;
    this.path = path;
    this.plainPath = PlainPath.of(path);
    this.authority = authority;
    this.fields = fields;
  }

  /**
   * Checks a request and makes its view.
   *
   * @param method the method of the request line, or {@code :method}
   * @param rawTarget the target of the request line, or {@code :path}, undecoded, as it came from
   *     the network
   * @param hosts the lines of the {@code Host} header, or {@code :authority}; exactly one is
   *     accepted
   * @param headers the other headers and their lines in order, as they came from the network; a
   *     {@code Host} among them has to agree with {@code hosts}
   * @return the view
   * @throws MalformedRequestException if the request has a second reading; the message says where
   */
  public static HttpRequestView of(
      String method, String rawTarget, List<String> hosts, Map<String, List<String>> headers)
      throws MalformedRequestException {
    int foreign = Tokens.firstForeign(method);
    if (method.isEmpty() || foreign >= 0) {
      throw new MalformedRequestException(
          "expected a method that is a token (RFC 9110 §9.1), found "
              + (method.isEmpty() ? "none" : Printable.codePoint(method.charAt(foreign))));
    }
    RequestTarget target = RequestTarget.parse(method, rawTarget);
    if (hosts.size() != 1) {
      throw new MalformedRequestException(
          "expected exactly one Host line (or :authority), found " + hosts.size());
    }
    Authority authority = Authority.parse("the Host line", hosts.get(0));
    requireSame("the request target", target.authority(), authority);
    Map<String, HeaderField> fields = HeaderFields.of(headers);
    HeaderField repeated = fields.get(HOST);
    if (repeated != null) {
      if (repeated.lines().size() != 1) {
        throw new MalformedRequestException(
            "expected exactly one Host line, found " + repeated.lines().size());
      }
      requireSame(
          "the Host header", Authority.parse("the Host header", repeated.joined()), authority);
    }
    fields.put(HOST, HeaderField.of(List.of(authority.toString())));
    return new HttpRequestView(method, target.path(), authority, fields);
  }

  private static void requireSame(String where, @Nullable Authority found, Authority expected)
      throws MalformedRequestException {
    if (found != null && !found.equals(expected)) {
      throw new MalformedRequestException(
          "expected in " + where + " the authority " + expected + ", found " + found);
    }
  }

  /**
   * Returns the method.
   *
   * @return the method, letter case as sent
   */
  public String method() {
    return method;
  }

  /**
   * Returns the judged path.
   *
   * @return the path without query, percent-encodings in upper case and undecoded; {@code *} for
   *     {@code OPTIONS *}
   */
  public String path() {
    return path;
  }

  /**
   * Returns the host.
   *
   * @return the host in lower case, without port; an IPv6 address in brackets
   */
  public String host() {
    return authority.host();
  }

  /**
   * Returns the port that the request names.
   *
   * @return the port, empty if the request names none
   */
  public OptionalInt port() {
    return authority.port();
  }

  /**
   * Returns host and port as one text, which is what rules about the header {@code Host} compare
   * with.
   *
   * @return {@code host} or {@code host:port}, lower-case
   */
  public String authority() {
    return authority.toString();
  }

  /**
   * Returns the lines of a header.
   *
   * @param name the header's name in any letter case
   * @return an unmodifiable list of trimmed values in the order sent; empty if the header is absent
   */
  public List<String> header(String name) {
    HeaderField field = fields.get(name.toLowerCase(Locale.ROOT));
    return field == null ? List.of() : field.lines();
  }

  /**
   * Returns the names of all headers, {@code host} included.
   *
   * @return an unmodifiable set of lower-case names
   */
  public Set<String> headerNames() {
    return Collections.unmodifiableSet(fields.keySet());
  }

  /** Returns the path in the spelling in which rules compare it: see {@link PlainPath}. */
  String plainPath() {
    return plainPath;
  }

  /** Returns the header of this lower-case name, null if it is absent. */
  @Nullable HeaderField field(String lowerCaseName) {
    return fields.get(lowerCaseName);
  }

  /** Returns method, host and path, cut if they are long; no header, since some are secrets. */
  @Override
  public String toString() {
    String text = method + " " + authority + path;
    return text.length() <= MAX_SHOWN ? text : text.substring(0, MAX_SHOWN) + "...";
  }
}
