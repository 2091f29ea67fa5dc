package io.meshnative.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * A boolean expression over a JSON tree, in Consul's own little language: {@code
 * Service.Meta.version == "1" and "canary" in Service.Tags}. Filters of health queries and
 * selectors of binding rules are written in it.
 *
 * <p>A selector that passes through a list holds if it does for any element. Texts of errors are
 * Consul's where a selector is unknown, and only begin like Consul's where the grammar is broken.
 */
final class FilterExpression implements Predicate<@Nullable Object> {
  private static final Pattern WORD =
      Pattern.compile("\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|`([^`]*)`|(==|!=|[()])|([^\\s()\"`=!]+))");

  /** What a row of health has, and the values that binding rules look at. */
  private static final List<String> HEALTH_AND_VALUES =
      List.of("Node", "Service", "Checks", "value", "list");

  /** Selectors whose values are numbers, so that what they are compared to has to be one, too. */
  private static final List<String> NUMBERS =
      List.of("Service.Port", "Service.Weights.Passing", "Service.Weights.Warning", "Precedence");

  private static final String OPERATOR_EXPECTED =
      "\"!=\", \"==\", \"contains\", \"in\", \"is\", \"matches\", \"not\" or [ \\t\\r\\n]";
  private static final String VALUE_EXPECTED =
      "\"-\", \"0\", \"\\\"\", \"`\", [ \\t\\r\\n], [1-9] or [a-zA-Z]";

  private final Predicate<@Nullable Object> root;

  private FilterExpression(Predicate<@Nullable Object> root) {
    this.root = root;
  }

  /**
   * Reads an expression; the empty one holds for everything.
   *
   * @throws ApiError 500 if it is none
   */
  static FilterExpression parse(String text) {
    return parse(text, HEALTH_AND_VALUES);
  }

  /** The same, over trees that have these fields. */
  static FilterExpression parse(String text, List<String> roots) {
    if (text.isBlank()) {
      return new FilterExpression(tree -> true);
    }
    return new FilterExpression(new Reader(text, roots).read());
  }

  @Override
  public boolean test(@Nullable Object tree) {
    return root.test(tree);
  }

  private static ApiError refused(String why) {
    return new ApiError(500, "Failed to create boolean expression evaluator: " + why);
  }

  private record Word(String text, boolean quoted, int start) {
    boolean is(String wanted) {
      return !quoted && text.equals(wanted);
    }
  }

  /** Recursive descent, one method for each level of binding. */
  private static final class Reader {
    private final List<Word> words = new ArrayList<>();
    private final List<String> roots;
    private final int length;
    private int at;

    Reader(String text, List<String> roots) {
      this.roots = roots;
      length = text.length();
      Matcher matcher = WORD.matcher(text);
      int end = 0;
      while (matcher.find(end) && matcher.start() == end) {
        end = matcher.end();
        boolean quoted = matcher.group(1) != null || matcher.group(2) != null;
        String word =
            quoted
                ? Objects.requireNonNullElse(matcher.group(1), matcher.group(2))
                : matcher.group().strip();
        int blanks = matcher.group().length() - matcher.group().stripLeading().length();
        words.add(
            new Word(quoted ? word.replace("\\\"", "\"") : word, quoted, matcher.start() + blanks));
      }
      if (!text.substring(end).isBlank()) {
        throw refused("1:%d (%d): no match found".formatted(end + 1, end));
      }
    }

    Predicate<@Nullable Object> read() {
      Predicate<@Nullable Object> all = or();
      if (at < words.size()) {
        throw noMatch();
      }
      return all;
    }

    private ApiError noMatch() {
      return refused("1:%d (%d): no match found".formatted(length + 1, length));
    }

    private Word next() {
      if (at >= words.size()) {
        throw noMatch();
      }
      return words.get(at++);
    }

    private ApiError expected(String what) {
      int place = at < words.size() ? words.get(at).start() : length;
      return refused("1:%d (%d): no match found, expected: %s".formatted(place + 1, place, what));
    }

    /** What a selector is compared to. */
    private String value(List<String> path) {
      if (at >= words.size()) {
        throw expected(VALUE_EXPECTED);
      }
      String text = next().text();
      String selector = String.join(".", path);
      if (NUMBERS.contains(selector) && !text.matches("-?\\d+")) {
        throw refused(
            "Failed to coerce value \"%1$s\" for selector \"%2$s\": strconv.ParseInt: parsing \"%1$s\": invalid syntax"
                .formatted(text, selector));
      }
      return text;
    }

    private boolean took(String wanted) {
      boolean there = at < words.size() && words.get(at).is(wanted);
      at += there ? 1 : 0;
      return there;
    }

    private Predicate<@Nullable Object> or() {
      Predicate<@Nullable Object> left = and();
      return took("or") ? left.or(or()) : left;
    }

    private Predicate<@Nullable Object> and() {
      Predicate<@Nullable Object> left = not();
      return took("and") ? left.and(and()) : left;
    }

    private Predicate<@Nullable Object> not() {
      if (took("not")) {
        return not().negate();
      }
      if (took("(")) {
        Predicate<@Nullable Object> inner = or();
        if (!took(")")) {
          throw noMatch();
        }
        return inner;
      }
      return comparison();
    }

    private Predicate<@Nullable Object> comparison() {
      Word first = next();
      boolean negated = took("not");
      if (took("in")) {
        return negate(negated, contains(selector(next()), first.text()));
      }
      List<String> path = selector(first);
      if (took("==")) {
        return equal(path, value(path));
      }
      if (took("!=")) {
        return equal(path, value(path)).negate();
      }
      if (took("is")) {
        boolean full = took("not");
        if (!took("empty")) {
          throw noMatch();
        }
        return negate(full, tree -> isEmpty(resolve(tree, path)));
      }
      if (took("contains")) {
        return negate(negated, contains(path, next().text()));
      }
      if (took("matches")) {
        return negate(negated, matching(path, next().text()));
      }
      throw expected(OPERATOR_EXPECTED);
    }

    private static Predicate<@Nullable Object> negate(
        boolean negated, Predicate<@Nullable Object> predicate) {
      return negated ? predicate.negate() : predicate;
    }

    private List<String> selector(Word word) {
      List<String> path = List.of(word.text().split("\\.", -1));
      if (word.quoted() || !roots.contains(path.get(0))) {
        throw refused("Selector \"" + word.text() + "\" is not valid");
      }
      return path;
    }
  }

  private static Predicate<@Nullable Object> equal(List<String> path, String value) {
    return tree -> resolve(tree, path).stream().anyMatch(found -> value.equals(text(found)));
  }

  private static Predicate<@Nullable Object> contains(List<String> path, String value) {
    return tree ->
        resolve(tree, path).stream()
            .anyMatch(found ->
                found instanceof Map<?, ?> map
                    ? map.containsKey(value)
                    : found instanceof String text && path.size() > 2 && !value.equals(text)
                        ? text.contains(value)
                        : value.equals(text(found)));
  }

  private static Predicate<@Nullable Object> matching(List<String> path, String regex) {
    try {
      Pattern pattern = Pattern.compile(regex);
      return tree ->
          resolve(tree, path).stream()
              .anyMatch(found -> found != null && pattern.matcher(text(found)).find());
    } catch (PatternSyntaxException e) {
      throw refused(
          "Failed to compile regular expression \"%s\": error parsing regexp: %s"
              .formatted(regex, goText(e, regex)));
    }
  }

  /** The commonest mistakes in the words of Go's parser. */
  private static String goText(PatternSyntaxException e, String regex) {
    return switch (e.getDescription()) {
      case "Unclosed group" -> "missing closing ): `" + regex + "`";
      case "Unclosed character class" -> "missing closing ]: `" + regex + "`";
      case "Unmatched closing ')'" -> "unexpected ): `" + regex + "`";
      default -> e.getDescription();
    };
  }

  private static String text(@Nullable Object value) {
    return String.valueOf(value);
  }

  private static boolean isEmpty(List<?> found) {
    return found.stream()
        .allMatch(value -> value == null || value.equals("") || value.equals(Map.of()));
  }

  /** Every value that the path leads to; lists on the way and at the end are opened. */
  private static List<@Nullable Object> resolve(@Nullable Object tree, List<String> path) {
    List<@Nullable Object> present = new ArrayList<>();
    present.add(tree);
    for (String step : path) {
      List<@Nullable Object> next = new ArrayList<>();
      for (Object one : present) {
        if (one instanceof Map<?, ?> map && map.containsKey(step)) {
          Object value = map.get(step);
          if (value instanceof List<?> list) {
            next.addAll(list);
          } else {
            next.add(value);
          }
        }
      }
      present = next;
    }
    return present;
  }
}
