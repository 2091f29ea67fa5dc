package io.meshnative.testkit.internal;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A request, taken apart.
 *
 * @param method the HTTP method
 * @param path the path as it came, without the query
 * @param segments the decoded segments of the path
 * @param query the decoded query, every value of every name
 * @param body the body as text
 * @param token the secret that the caller showed, empty for none
 */
record ApiRequest(
    String method,
    String path,
    List<String> segments,
    Map<String, List<String>> query,
    String body,
    String token) {

  static final Duration LONGEST_WAIT = Duration.ofMinutes(10);
  private static final Duration DEFAULT_WAIT = Duration.ofMinutes(5);

  /**
   * Takes a request apart.
   *
   * @param tokenHeader the {@code X-Consul-Token} header, empty for none
   * @param authorization the {@code Authorization} header, empty for none
   */
  static ApiRequest of(
      String method, String target, String body, String tokenHeader, String authorization) {
    int mark = target.indexOf('?');
    String path = mark < 0 ? target : target.substring(0, mark);
    List<String> segments = new ArrayList<>();
    for (String segment : path.substring(1).split("/", -1)) {
      // A plus sign is itself in a path, and a blank only in a query.
      segments.add(decode(segment.replace("+", "%2B")));
    }
    Map<String, List<String>> query = new LinkedHashMap<>();
    String raw = mark < 0 ? "" : target.substring(mark + 1);
    for (String pair : raw.isEmpty() ? new String[0] : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      String name = decode(equals < 0 ? pair : pair.substring(0, equals));
      String value = equals < 0 ? "" : decode(pair.substring(equals + 1));
      query.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
    }
    // The query wins over the header, and that over the bearer (a.2).
    String token = query.getOrDefault("token", List.of("")).get(0);
    if (token.isEmpty()) {
      token = tokenHeader;
    }
    if (token.isEmpty() && authorization.regionMatches(true, 0, "Bearer ", 0, 7)) {
      token = authorization.substring(7).strip();
    }
    return new ApiRequest(method, path, List.copyOf(segments), query, body, token);
  }

  /** Never shows the token, which may stand in the query, too. */
  @Override
  public String toString() {
    return "ApiRequest[" + method + " " + path + "]";
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  boolean has(String name) {
    return query.containsKey(name);
  }

  /** The first value of a query parameter, or the empty string. */
  String parameter(String name) {
    return parameters(name).isEmpty() ? "" : parameters(name).get(0);
  }

  List<String> parameters(String name) {
    return query.getOrDefault(name, List.of());
  }

  /** A flag as Go's agent reads it: bare, {@code =1}, {@code =true}. */
  boolean flag(String name) {
    return has(name) && !parameter(name).equals("false") && !parameter(name).equals("0");
  }

  /** The path's segment at a position, or the empty string. */
  String segment(int position) {
    return position < segments.size() ? segments.get(position) : "";
  }

  /** The index to block on; 0 for none. Larger than a signed long is as good as never reached. */
  long index() {
    String text = parameter("index");
    if (text.isEmpty()) {
      return 0;
    }
    try {
      long index = Long.parseUnsignedLong(text);
      return index < 0 ? Long.MAX_VALUE : index;
    } catch (NumberFormatException e) {
      throw new ApiError(400, "Invalid index");
    }
  }

  /** How long to block, at most ten minutes. */
  Duration waitTime() {
    String text = parameter("wait");
    if (text.isEmpty()) {
      return DEFAULT_WAIT;
    }
    Duration wait =
        GoDuration.parse(text).orElseThrow(() -> new ApiError(400, "Invalid wait time"));
    if (wait.isZero()) {
      return DEFAULT_WAIT;
    }
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }
}
