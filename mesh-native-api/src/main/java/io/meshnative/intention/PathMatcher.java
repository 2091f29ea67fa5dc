package io.meshnative.intention;

import com.google.re2j.Pattern;

/** A condition on the path, compiled. */
sealed interface PathMatcher {

  /** Whether the path of the request satisfies the condition. */
  boolean matches(HttpRequestView request);

  static PathMatcher compile(Permission.PathCondition condition, Intention.Action action)
      throws UnusableRuleException {
    return switch (condition.kind()) {
      case EXACT -> new Exact(PlainPath.of(checked("exact path", condition.value())));
      case PREFIX -> {
        String prefix = checked("path prefix", condition.value());
        yield new Prefix(
            PlainPath.of(prefix), PercentCase.upper(prefix), action == Intention.Action.DENY);
      }
      case REGEX ->
          new Regex(Expression.compile(condition.value(), 0), action == Intention.Action.DENY);
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

  /** The whole path equals; both plain. */
  record Exact(String path) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      return request.plainPath().equals(path);
    }
  }

  /**
   * The path starts with a text; {@code /admin} covers {@code /administrator} as in Consul. Both
   * plain; a deny that ends within an encoding ({@code /a%4}) holds for what was sent too, since
   * there the plain path has it no more.
   */
  record Prefix(String plain, String asWritten, boolean denies) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      return request.plainPath().startsWith(plain)
          || (denies && request.path().startsWith(asWritten));
    }
  }

  /**
   * The whole path matches an expression. An expression cannot be respelled like a text ({@code
   * [%c3]} is a class of characters), so the path is shown to it in both letter cases that an
   * author may have had in mind, its encodings upper-cased and lower-cased, and both as it was sent
   * and plain. A deny holds for any of these spellings; an allow has to hold for the path as sent
   * and for the plain one, since a server does not tell them apart.
   */
  record Regex(Pattern pattern, boolean denies) implements PathMatcher {
    @Override
    public boolean matches(HttpRequestView request) {
      String sent = request.path();
      String plain = request.plainPath();
      boolean matches = matches(sent);
      if (sent.equals(plain)) {
        return matches;
      }
      return denies ? matches || matches(plain) : matches && matches(plain);
    }

    private boolean matches(String path) {
      if (pattern.matches(path)) {
        return true;
      }
      return path.indexOf('%') >= 0 && pattern.matches(PercentCase.lower(path));
    }
  }
}
