package io.meshnative.intention;

import org.jspecify.annotations.Nullable;

/**
 * Why something is decided, put into words only when somebody reads it: a table of 100,000
 * intentions would otherwise hold as many sentences that nobody asks for.
 *
 * @param before the words before the rule
 * @param rule the rule that the words are about, if any
 * @param after the words after the rule
 */
record Reason(String before, @Nullable Intention rule, String after) {

  static Reason of(String text) {
    return new Reason(text, null, "");
  }

  static Reason of(String before, Intention rule) {
    return new Reason(before, rule, "");
  }

  /** Returns the sentence on one line; Consul lets names and descriptions hold any character. */
  @Override
  public String toString() {
    return Printable.oneLine(rule == null ? before + after : before + rule + after);
  }
}
