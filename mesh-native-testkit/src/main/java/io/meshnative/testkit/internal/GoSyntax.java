package io.meshnative.testkit.internal;

/** Finds what is wrong with a text that is not JSON, and says it as Go's decoder does. */
final class GoSyntax {
  private final String text;
  private int at;

  private GoSyntax(String text) {
    this.text = text;
  }

  /** Where the text breaks the grammar. */
  private static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    final String text;

    Broken(String text) {
      super(text, null, false, false);
      this.text = text;
    }
  }

  /** The error of a text, or a general one where this finds nothing wrong with it. */
  static String error(String text) {
    GoSyntax syntax = new GoSyntax(text);
    try {
      syntax.value(0);
      syntax.blanks();
      return syntax.at < text.length()
          ? syntax.invalid("after top-level value").text
          : "invalid JSON";
    } catch (Broken e) {
      return e.text;
    }
  }

  private void blanks() {
    while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() throws Broken {
    blanks();
    if (at >= text.length()) {
      throw new Broken("unexpected EOF");
    }
    return text.charAt(at);
  }

  private Broken invalid(String where) {
    char found = text.charAt(at);
    String shown = found == '\'' ? "'\\''" : "'" + found + "'";
    return new Broken("invalid character " + shown + " " + where);
  }

  private void value(int depth) throws Broken {
    char first = peek();
    if (depth > 10_000) {
      throw new Broken("exceeded max depth");
    }
    switch (first) {
      case '{' -> object(depth);
      case '[' -> array(depth);
      case '"' -> string();
      case 't' -> literal("true");
      case 'f' -> literal("false");
      case 'n' -> literal("null");
      default -> {
        if (first != '-' && !Character.isDigit(first)) {
          throw invalid("looking for beginning of value");
        }
        number();
      }
    }
  }

  private void object(int depth) throws Broken {
    at++;
    if (peek() == '}') {
      at++;
      return;
    }
    while (true) {
      if (peek() != '"') {
        throw invalid("looking for beginning of object key string");
      }
      string();
      if (peek() != ':') {
        throw invalid("after object key");
      }
      at++;
      value(depth + 1);
      char next = peek();
      if (next != ',' && next != '}') {
        throw invalid("after object key:value pair");
      }
      at++;
      if (next == '}') {
        return;
      }
    }
  }

  private void array(int depth) throws Broken {
    at++;
    if (peek() == ']') {
      at++;
      return;
    }
    while (true) {
      value(depth + 1);
      char next = peek();
      if (next != ',' && next != ']') {
        throw invalid("after array element");
      }
      at++;
      if (next == ']') {
        return;
      }
    }
  }

  private void string() throws Broken {
    at++;
    while (at < text.length() && text.charAt(at) != '"') {
      if (text.charAt(at) < ' ') {
        throw invalid("in string literal");
      }
      at += text.charAt(at) == '\\' ? 2 : 1;
    }
    if (at >= text.length()) {
      throw new Broken("unexpected EOF");
    }
    at++;
  }

  private void literal(String word) throws Broken {
    for (int i = 0; i < word.length(); i++, at++) {
      if (at >= text.length()) {
        throw new Broken("unexpected EOF");
      }
      if (text.charAt(at) != word.charAt(i)) {
        throw invalid("in literal %s (expecting '%s')".formatted(word, word.charAt(i)));
      }
    }
  }

  private void number() throws Broken {
    at += text.charAt(at) == '-' ? 1 : 0;
    if (at >= text.length()) {
      throw new Broken("unexpected EOF");
    }
    if (!Character.isDigit(text.charAt(at))) {
      throw invalid("in numeric literal");
    }
    while (at < text.length() && "0123456789.eE+-".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }
}
