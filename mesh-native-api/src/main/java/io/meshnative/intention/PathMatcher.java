package io.meshnative.intention;

import com.google.re2j.Pattern;

/** A condition on the path, compiled. */
sealed interface PathMatcher {

  /** Whether the canonical path of the request satisfies the condition. */
  boolean matches(HttpRequestView request);

  static PathMatcher compile(Permission.PathCondition condition) throws UnusableRuleException {
    return switch (condition.kind()) {
      case EXACT -> new Exact(PercentCase.upper(checked("exact path", condition.value())));
      case PREFIX -> new Prefix(PercentCase.upper(checked("path prefix", condition.value())));
      case REGEX -> new Regex(Expression.compile(condition.value(), 0));
    };
  }

  /** A text that no path can start with would silently never match, which opens a deny. */
  private static String checked(String what, String text) throws UnusableRuleException {
    if (!text.startsWith("/")) {
      throw new UnusableRuleException(
          "expected the " + what + " to start with '/', found " + Printable.quote(text));
    }
    return text;
  }

  /** The whole path equals. */
  record Exact(String path) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      return request.path().equals(path);
    }
  }

  /** The path starts with a text; {@code /admin} covers {@code /administrator} as in Consul. */
  record Prefix(String prefix) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      return request.path().startsWith(prefix);
    }
  }

  /**
   * The whole path matches an expression. An expression cannot be upper-cased like a text ({@code
   * [%c3]} is a class of characters), so the path is shown to it in both letter cases that an
   * author may have had in mind: its encodings upper-cased, and lower-cased.
   */
  record Regex(Pattern pattern) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      String path = request.path();
      if (pattern.matches(path)) {
        return true;
      }
      return path.indexOf('%') >= 0 && pattern.matches(PercentCase.lower(path));
    }
  }
}
