package io.meshnative.intention;

import com.google.re2j.Pattern;

/** Compares one value of a header. */
sealed interface ValueMatcher {

  /** Whether the value satisfies the comparison. */
  boolean matches(String value);

  /** The value equals. */
  record Exact(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return ignoreCase ? value.equalsIgnoreCase(text) : value.equals(text);
    }
  }

  /** The value starts with a text. */
  record Prefix(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return value.regionMatches(ignoreCase, 0, text, 0, text.length());
    }
  }

  /** The value ends with a text. */
  record Suffix(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return value.regionMatches(
          ignoreCase, value.length() - text.length(), text, 0, text.length());
    }
  }

  /** The value holds a text. */
  record Contains(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      if (!ignoreCase) {
        return value.contains(text);
      }
      for (int i = 0; i <= value.length() - text.length(); i++) {
        if (value.regionMatches(true, i, text, 0, text.length())) {
          return true;
        }
      }
      return false;
    }
  }

  /** The whole value matches an expression. */
  record Regex(Pattern pattern) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return pattern.matches(value);
    }
  }
}
