package io.meshnative.intention;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;

/**
 * Compiles the regular expressions of rules. The engine is RE2's: time linear in the text, whatever
 * the expression (T41), and the dialect in which Consul's own proxies read the same rule. Consul
 * does not check expressions when they are written (reference: Consul §e.2), so they may be broken
 * here.
 */
final class Expression {
  /** Far more than a readable rule has, far less than what makes compiling a burden. */
  private static final int MAX_LENGTH = 4096;

  private Expression() {}

  static Pattern compile(String expression, int flags) throws UnusableRuleException {
    if (expression.length() > MAX_LENGTH) {
      throw new UnusableRuleException(
          "the regular expression has "
              + expression.length()
              + " characters; at most "
              + MAX_LENGTH
              + " are read");
    }
    if (UnrolledSize.of(expression) > UnrolledSize.MAX) {
      throw refused(
          expression, "its repetition counts multiply to more than " + UnrolledSize.MAX + " steps");
    }
    try {
      return Pattern.compile(expression, flags);
    } catch (PatternSyntaxException e) {
      throw refused(expression, e.getDescription());
    } catch (RuntimeException | StackOverflowError e) {
      throw refused(expression, e.getClass().getSimpleName());
    }
  }

  private static UnusableRuleException refused(String expression, String why) {
    return new UnusableRuleException(
        "the regular expression "
            + Printable.quote(expression)
            + " does not compile: "
            + Printable.escape(why));
  }
}
