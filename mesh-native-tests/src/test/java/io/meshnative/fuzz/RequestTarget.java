package io.meshnative.fuzz;

import static io.meshnative.fuzz.Targets.require;

import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.MalformedRequestException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/** Requests: what is judged is what every handler sees, in one spelling. */
public final class RequestTarget {
  private static final Pattern PATH =
      Pattern.compile("/|(/(?!\\.{1,2}(/|$))([!-~&&[^/\\\\;#?%]]|%[0-9A-F]{2})+)+/?");
  private static final Pattern FORBIDDEN_ESCAPE =
      Pattern.compile(
          "%(2F|5C|25|3B|[01][0-9A-F]|7F|2[DE]|5F|7E|3[0-9]|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A]|C[01]|F[5-9A-F])");

  private RequestTarget() {}

  /** Called by the fuzzer: method, target, host and headers, by lines. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    String[] lines = new String(input, StandardCharsets.ISO_8859_1).split("\n", -1);
    if (lines.length < 3) {
      return;
    }
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (int i = 3; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      String name = colon < 0 ? lines[i] : lines[i].substring(0, colon);
      headers
          .computeIfAbsent(name, n -> new ArrayList<>())
          .add(colon < 0 ? "" : lines[i].substring(colon + 1));
    }
    HttpRequestView view;
    try {
      view = HttpRequestView.of(lines[0], lines[1], List.of(lines[2]), headers);
    } catch (MalformedRequestException e) {
      require(
          String.valueOf(e.getMessage()).chars().noneMatch(Character::isISOControl),
          "a refusal holds no control character");
      return;
    }
    require(view.method().equals(lines[0]), "the method is the one that was sent");
    require(
        view.host().equals(view.host().toLowerCase(Locale.ROOT))
            && lines[2].toLowerCase(Locale.ROOT).startsWith(view.host()),
        "the host is the one that was sent");
    path(view, lines[1]);
    headers(view, headers);
    HttpRequestView again =
        HttpRequestView.of(view.method(), view.path(), List.of(view.authority()), Map.of());
    require(
        again.path().equals(view.path()) && again.authority().equals(view.authority()),
        "the one spelling stays as it is");
  }

  private static void path(HttpRequestView view, String raw) {
    String path = view.path();
    if (path.equals("*")) {
      require(view.method().equals("OPTIONS") && raw.equals("*"), "* is for OPTIONS");
      return;
    }
    require(PATH.matcher(path).matches(), "a path has no second reading");
    require(!FORBIDDEN_ESCAPE.matcher(path).find(), "a path encodes only what it must");
    String sent = raw.split("\\?", 2)[0];
    require(
        sent.equalsIgnoreCase(path)
            || sent.toLowerCase(Locale.ROOT).endsWith(path.toLowerCase(Locale.ROOT))
            || (path.equals("/") && sent.contains("://")),
        "the path is the one that was sent");
  }

  private static void headers(HttpRequestView view, Map<String, List<String>> headers) {
    int lines = 0;
    for (Map.Entry<String, List<String>> header : headers.entrySet()) {
      require(!header.getKey().contains("_"), "no header name has a second reading");
      lines += header.getKey().equalsIgnoreCase("host") ? 0 : header.getValue().size();
    }
    int seen = 0;
    for (String name : view.headerNames()) {
      seen += name.equals("host") ? 0 : view.header(name).size();
      require(name.equals(name.toLowerCase(Locale.ROOT)), "a name is lower-case");
      for (String value : view.header(name)) {
        require(value.equals(value.strip()), "a value is trimmed");
        require(
            value.chars().allMatch(c -> (c >= 0x20 && c < 0x7f) || c == '\t'),
            "a value is printable");
      }
    }
    require(seen == lines, "no line of a header is lost");
  }
}
