package io.meshnative.intention;

import com.google.re2j.Pattern;

/**
 * Compares one value of a header. Where letter case is ignored, it is that of ASCII only: values
 * hold nothing else, and other letters of a rule fold into ASCII too (U+212A, U+017F).
 */
sealed interface ValueMatcher {

  /** Whether the value satisfies the comparison. */
  boolean matches(String value);

  /** The value equals. */
  record Exact(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return ignoreCase
          ? value.length() == text.length() && Ascii.regionMatches(value, 0, text)
          : value.equals(text);
    }
  }

  /** The value starts with a text. */
  record Prefix(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return ignoreCase ? Ascii.regionMatches(value, 0, text) : value.startsWith(text);
    }
  }

  /** The value ends with a text. */
  record Suffix(String text, boolean ignoreCase) implements ValueMatcher {
    @Override
    public boolean matches(String value) {
      return ignoreCase
          ? Ascii.regionMatches(value, value.length() - text.length(), text)
          : value.endsWith(text);
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
        if (Ascii.regionMatches(value, i, text)) {
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
