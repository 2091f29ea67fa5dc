package io.meshnative.intention;

/** A rule that cannot be applied as written; the whole destination is denied because of it. */
final class UnusableRuleException extends Exception {
  private static final long serialVersionUID = 1L;

  UnusableRuleException(String message) {
    super(message);
  }
}
