package io.meshnative.intention;

/** The characters of an RFC 9110 token: what methods and header names are made of. */
final class Tokens {
  private static final String SYMBOLS = "!#$%&'*+-.^_`|~";

  private Tokens() {}

  /**
   * Returns where a text stops being a token.
   *
   * @return the index of the first character that no token holds; -1 if there is none
   */
  static int firstForeign(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Ascii.isLetterOrDigit(c) && SYMBOLS.indexOf(c) < 0) {
        return i;
      }
    }
    return -1;
  }
}
