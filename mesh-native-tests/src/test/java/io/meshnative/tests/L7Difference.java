package io.meshnative.tests;

import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Where we decide otherwise than role-based access policies do, on purpose; {@code docs/l7.md} says
 * why. Each class is told by a counterfactual: of the triple without what makes the difference,
 * both have to say the same.
 */
enum L7Difference {
  /**
   * A header in several lines: joined for them; for us a deny holds for any line, an allow for
   * every one.
   */
  REPEATED_HEADER("repeated header") {
    @Override
    L7Cases.Triple without(L7Cases.Triple triple) {
      Map<String, String> joined = new LinkedHashMap<>();
      for (L7Cases.Line line : triple.request().headers()) {
        joined.merge(line.name(), line.value(), (one, other) -> one + "," + other);
      }
      List<L7Cases.Line> lines = new ArrayList<>();
      joined.forEach((name, value) -> lines.add(new L7Cases.Line(name, value)));
      L7Cases.Request asked = triple.request();
      return new L7Cases.Triple(
          triple.policy(),
          new L7Cases.Request(asked.caller(), asked.method(), asked.target(), asked.host(), lines));
    }
  },

  /**
   * {@code * => api} decides before {@code web => *}: by the order of precedence for us, while the
   * policies of both stand side by side for them (reference: Consul §0.10).
   */
  BROADER_SOURCE_FIRST("broader source first") {
    @Override
    L7Cases.Triple without(L7Cases.Triple triple) {
      List<Intention> intentions = triple.policy().intentions();
      int broadest =
          intentions.stream()
              .filter(i -> i.source().name().equals(Intention.WILDCARD))
              .mapToInt(Intention::precedence)
              .max()
              .orElse(0);
      List<Intention> reached =
          intentions.stream().filter(i -> i.precedence() >= broadest).toList();
      return with(triple, reached, triple.request());
    }
  },

  /** {@code %c3} and {@code %C3} are one byte for us, and different texts for them. */
  ENCODING_LETTER_CASE("letter case of an encoding") {
    @Override
    L7Cases.Triple without(L7Cases.Triple triple) {
      L7Cases.Request asked = triple.request();
      return with(
          triple,
          rewritten(
              triple.policy().intentions(),
              path -> new Permission.PathCondition(path.kind(), upperCased(path.value())),
              header -> header),
          new L7Cases.Request(
              asked.caller(),
              asked.method(),
              upperCased(asked.target()),
              asked.host(),
              asked.headers()));
    }

    private static String upperCased(String text) {
      StringBuilder upper = new StringBuilder(text);
      for (int i = text.indexOf('%'); i >= 0; i = text.indexOf('%', i + 1)) {
        int end = Math.min(i + 3, text.length());
        upper.replace(i, end, text.substring(i, end).toUpperCase(Locale.ROOT));
      }
      return upper.toString();
    }
  },

  /** Hosts have no letter case for us; they compare the text as sent. */
  HOST_LETTER_CASE("letter case of the host") {
    @Override
    L7Cases.Triple without(L7Cases.Triple triple) {
      L7Cases.Request asked = triple.request();
      return with(
          triple,
          rewritten(
              triple.policy().intentions(),
              path -> path,
              header ->
                  header.name().equals("host")
                      ? new Permission.HeaderCondition(
                          header.name(),
                          header.kind(),
                          header.value().toLowerCase(Locale.ROOT),
                          header.invert(),
                          header.ignoreCase())
                      : header),
          new L7Cases.Request(
              asked.caller(),
              asked.method(),
              asked.target(),
              asked.host().toLowerCase(Locale.ROOT),
              asked.headers()));
    }
  };

  /** How {@code docs/l7.md} calls it. */
  private final String title;

  L7Difference(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  /** Returns the triple without what this class is about; the same if it has nothing of it. */
  abstract L7Cases.Triple without(L7Cases.Triple triple);

  /** Whether we say of the counterfactual what we say of the triple. */
  boolean isOneForUs() {
    return this != REPEATED_HEADER; // in several lines, we never allow more
  }

  /** Returns the triple without what any of these classes is about. */
  static L7Cases.Triple without(Set<L7Difference> classes, L7Cases.Triple triple) {
    L7Cases.Triple left = triple;
    for (L7Difference one : classes) {
      left = one.without(left);
    }
    return left;
  }

  private static L7Cases.Triple with(
      L7Cases.Triple triple, List<Intention> intentions, L7Cases.Request request) {
    return new L7Cases.Triple(
        new L7Cases.Policy(
            triple.policy().number(), triple.policy().byDefault(), intentions, List.of()),
        request);
  }

  private static List<Intention> rewritten(
      List<Intention> intentions,
      java.util.function.UnaryOperator<Permission.PathCondition> path,
      java.util.function.UnaryOperator<Permission.HeaderCondition> header) {
    return intentions.stream()
        .map(i ->
            new Intention(
                i.source(),
                i.destination(),
                i.action(),
                i.permissions().stream()
                    .map(p ->
                        new Permission(
                            p.action(),
                            p.path().map(path),
                            p.headers().stream().map(header).toList(),
                            p.methods(),
                            p.requiresJwt()))
                    .toList(),
                i.precedence(),
                i.requiresJwt(),
                i.description(),
                i.defects()))
        .collect(Collectors.toList());
  }
}
