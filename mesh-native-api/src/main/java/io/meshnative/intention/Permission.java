package io.meshnative.intention;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One layer-7 rule inside an intention. All parts that are given must match; a permission that
 * gives none matches every request.
 *
 * @param action what it says of a request that matches
 * @param path the condition on the path, if any
 * @param headers conditions on headers; all must hold
 * @param methods the methods that match, exact and upper-case; empty for any
 * @param requiresJwt whether a verified token is required as well (Consul 1.16+)
 */
public record Permission(
    Intention.Action action,
    Optional<PathCondition> path,
    List<HeaderCondition> headers,
    List<String> methods,
    boolean requiresJwt) {

  /** Copies the lists. */
  public Permission {
    Objects.requireNonNull(action, "action");
    Objects.requireNonNull(path, "path");
    headers = List.copyOf(headers);
    methods = List.copyOf(methods);
  }

  /** How a path is compared. */
  public enum PathKind {
    /** The whole path equals, letter case included. */
    EXACT,
    /** The path starts with the text; no segment boundary is asked for. */
    PREFIX,
    /** The whole path matches the RE2 expression. */
    REGEX
  }

  /**
   * A condition on the path.
   *
   * @param kind how to compare
   * @param value the text or expression
   */
  public record PathCondition(PathKind kind, String value) {
    /** Checks that nothing is null. */
    public PathCondition {
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(value, "value");
    }
  }

  /** How a header is compared. */
  public enum HeaderKind {
    /** The header exists. */
    PRESENT,
    /** The value equals. */
    EXACT,
    /** The value starts with the text. */
    PREFIX,
    /** The value ends with the text. */
    SUFFIX,
    /** The value holds the text (Consul 1.20.1+). */
    CONTAINS,
    /** The whole value matches the RE2 expression. */
    REGEX
  }

  /**
   * A condition on a header.
   *
   * @param name the header's name; compared without regard to letter case
   * @param kind how to compare
   * @param value the text or expression; empty for {@link HeaderKind#PRESENT}
   * @param invert whether the comparison must fail; a header that is absent satisfies only an
   *     inverted {@link HeaderKind#PRESENT}
   * @param ignoreCase whether letter case of the value is ignored (Consul 1.20.1+); does not apply
   *     to {@link HeaderKind#REGEX}
   */
  public record HeaderCondition(
      String name, HeaderKind kind, String value, boolean invert, boolean ignoreCase) {
    /** Checks that nothing is null. */
    public HeaderCondition {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(kind, "kind");
      Objects.requireNonNull(value, "value");
    }
  }
}
