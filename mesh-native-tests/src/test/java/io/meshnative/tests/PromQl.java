package io.meshnative.tests;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads PromQL as far as the dashboards that we ship speak it: selectors, ranges, functions,
 * aggregations, arithmetic. Refuses everything else, so that nothing is passed over unread.
 */
final class PromQl {
  private static final Pattern TOKEN =
      Pattern.compile(
          "\\s*(?:(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?<number>\\d+(?:\\.\\d+)?)"
              + "|(?<text>\"(?:[^\"\\\\]|\\\\.)*\")|(?<variable>\\$[a-zA-Z_]+)"
              + "|(?<sign>=~|!~|!=|==|>=|<=|[-+*/(){}\\[\\],=<>]))");

  private static final Set<String> AGGREGATIONS = Set.of("sum", "min", "max", "avg", "count");
  private static final Set<String> OF_RANGES = Set.of("rate", "increase");
  private static final Set<String> FUNCTIONS = Set.of("histogram_quantile");

  /**
   * A time series that is asked for.
   *
   * @param metric its name
   * @param labels the labels that its matchers and the groupings around it name
   */
  record Selector(String metric, Set<String> labels) {}

  private final String text;
  private final List<String> tokens = new ArrayList<>();
  private final List<Selector> selectors = new ArrayList<>();
  private int at;

  private PromQl(String text) {
    this.text = text;
    Matcher token = TOKEN.matcher(text);
    int end = 0;
    while (end < text.length() && token.find(end) && token.start() == end) {
      tokens.add(token.group().trim());
      end = token.end();
    }
    if (end < text.stripTrailing().length()) {
      throw new IllegalArgumentException("expected PromQL, found " + text.substring(end));
    }
  }

  /** The time series that an expression asks for. */
  static List<Selector> selectors(String expression) {
    PromQl parser = new PromQl(expression);
    parser.expression();
    if (parser.at < parser.tokens.size()) {
      throw parser.unexpected("the end");
    }
    return parser.selectors;
  }

  private IllegalArgumentException unexpected(String wanted) {
    return new IllegalArgumentException(
        "expected " + wanted + ", found " + tokens.subList(at, tokens.size()) + " in " + text);
  }

  private String peek() {
    return at < tokens.size() ? tokens.get(at) : "";
  }

  private boolean skip(String token) {
    if (peek().equals(token)) {
      at++;
      return true;
    }
    return false;
  }

  private void take(String token) {
    if (!skip(token)) {
      throw unexpected(token);
    }
  }

  private String name() {
    if (!peek().matches("[a-zA-Z_:][a-zA-Z0-9_:]*")) {
      throw unexpected("a name");
    }
    return tokens.get(at++);
  }

  private void expression() {
    operand();
    while (Set.of("+", "-", "*", "/", ">", "<", ">=", "<=", "==", "!=").contains(peek())) {
      at++;
      operand();
    }
  }

  private void operand() {
    if (skip("(")) {
      expression();
      take(")");
    } else if (peek().matches("\\d.*")) {
      at++;
    } else {
      named(name());
    }
  }

  private void named(String name) {
    if (AGGREGATIONS.contains(name)) {
      int first = selectors.size();
      Set<String> grouped = new LinkedHashSet<>(grouping());
      arguments();
      grouped.addAll(grouping());
      selectors.subList(first, selectors.size()).forEach(each -> each.labels().addAll(grouped));
    } else if (OF_RANGES.contains(name)) {
      take("(");
      selector(name());
      take("[");
      if (!peek().matches("\\$__rate_interval|\\d.*")) {
        throw unexpected("a range");
      }
      at++;
      take("]");
      take(")");
    } else if (FUNCTIONS.contains(name)) {
      arguments();
    } else {
      selector(name);
    }
  }

  private void arguments() {
    take("(");
    do {
      expression();
    } while (skip(","));
    take(")");
  }

  private List<String> grouping() {
    List<String> labels = new ArrayList<>();
    if (skip("by")) {
      take("(");
      do {
        labels.add(name());
      } while (skip(","));
      take(")");
    }
    return labels;
  }

  private void selector(String metric) {
    Set<String> labels = new LinkedHashSet<>();
    if (skip("{")) {
      do {
        labels.add(name());
        if (!Set.of("=", "!=", "=~", "!~").contains(peek())) {
          throw unexpected("a comparison");
        }
        at++;
        if (!peek().startsWith("\"")) {
          throw unexpected("a text");
        }
        at++;
      } while (skip(","));
      take("}");
    }
    selectors.add(new Selector(metric, labels));
  }
}
