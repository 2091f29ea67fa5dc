package io.meshnative.intention;

import com.google.re2j.Pattern;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A condition on a header, compiled.
 *
 * <p>A sender may repeat a header, and receivers differ in whether they see the first line, the
 * last, or all of them joined. So a condition of a deny holds if it holds for any line or for the
 * joined value; a condition of an allow only if it holds for every line and for the joined value
 * (T35). Inversion is part of what is asked of each.
 */
final class HeaderMatcher {
  /** HTTP/2 calls the host so, and proxies accept either name in a rule. */
  private static final String AUTHORITY = ":authority";

  private final String name;
  private final @Nullable ValueMatcher value;
  private final boolean invert;
  private final boolean anyLine;

  private HeaderMatcher(
      String name, @Nullable ValueMatcher value, boolean invert, boolean anyLine) {
    this.name = name;
    this.value = value;
    this.invert = invert;
    this.anyLine = anyLine;
  }

  static HeaderMatcher compile(Permission.HeaderCondition condition, Intention.Action action)
      throws UnusableRuleException {
    String given =
        condition.name().equalsIgnoreCase(AUTHORITY) ? HttpRequestView.HOST : condition.name();
    // Other pseudo-headers (":path") are no token either: they would silently be absent from every
    // request.
    if (given.isEmpty() || Tokens.firstForeign(given) >= 0) {
      throw new UnusableRuleException(
          "expected the name of a header, found " + Printable.quote(condition.name()));
    }
    String name = given.toLowerCase(Locale.ROOT);
    boolean ignoreCase = condition.ignoreCase() || name.equals(HttpRequestView.HOST);
    return new HeaderMatcher(
        name, value(condition, ignoreCase), condition.invert(), action == Intention.Action.DENY);
  }

  private static @Nullable ValueMatcher value(
      Permission.HeaderCondition condition, boolean ignoreCase) throws UnusableRuleException {
    String text = condition.value();
    if (condition.kind() == Permission.HeaderKind.PRESENT) {
      return null;
    }
    if (text.isEmpty()) {
      throw new UnusableRuleException(
          "the condition on the header "
              + Printable.quote(condition.name())
              + " compares with nothing");
    }
    return switch (condition.kind()) {
      case PRESENT -> null;
      case EXACT -> new ValueMatcher.Exact(text, ignoreCase);
      case PREFIX -> new ValueMatcher.Prefix(text, ignoreCase);
      case SUFFIX -> new ValueMatcher.Suffix(text, ignoreCase);
      case CONTAINS -> new ValueMatcher.Contains(text, ignoreCase);
      // IgnoreCase does not apply to expressions (reference: Consul §e.8); hosts have no letter
      // case.
      case REGEX -> {
        boolean host = condition.name().equalsIgnoreCase(HttpRequestView.HOST);
        boolean authority = condition.name().equalsIgnoreCase(AUTHORITY);
        int flags = host || authority ? Pattern.CASE_INSENSITIVE : 0;
        yield new ValueMatcher.Regex(Expression.compile(text, flags));
      }
    };
  }

  /** Whether the request satisfies the condition. */
  boolean matches(HttpRequestView request) {
    HeaderField field = request.field(name);
    if (value == null) {
      return (field != null) != invert;
    }
    if (field == null) {
      // A comparison asks for the header to exist, an inverted one too (reference: Consul §e.8).
      return false;
    }
    List<String> lines = field.lines();
    for (int i = 0; i < lines.size(); i++) {
      if (holds(value, lines.get(i)) == anyLine) {
        return anyLine;
      }
    }
    return holds(value, field.joined());
  }

  private boolean holds(ValueMatcher matcher, String text) {
    return matcher.matches(text) != invert;
  }
}
