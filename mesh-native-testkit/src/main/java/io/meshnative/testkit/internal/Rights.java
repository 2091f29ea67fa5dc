package io.meshnative.testkit.internal;

import io.meshnative.testkit.internal.AclRules.Access;
import io.meshnative.testkit.internal.AclRules.Rule;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/**
 * What a token may do. The rule for the exact name decides, else that with the longest prefix, else
 * the default policy. Immutable.
 */
final class Rights {
  private final List<Rule> rules;
  private final boolean everything;
  private final boolean defaultAllow;

  private Rights(List<Rule> rules, boolean everything, boolean defaultAllow) {
    this.rules = rules;
    this.everything = everything;
    this.defaultAllow = defaultAllow;
  }

  static Rights all() {
    return new Rights(List.of(), true, true);
  }

  static Rights of(AclRules rules, boolean defaultAllow) {
    return new Rights(rules.rules(), false, defaultAllow);
  }

  private boolean may(String resource, String name, Access wanted, Function<Rule, Access> access) {
    if (everything) {
      return true;
    }
    // Of rules for the same name the one that denies wins, then the one that gives more.
    Comparator<Rule> closest =
        Comparator.<Rule, Boolean>comparing(rule -> !rule.prefix())
            .thenComparing(rule -> rule.name().length())
            .thenComparing(rule -> access.apply(rule) == Access.DENY)
            .thenComparing(access);
    return rules.stream()
        .filter(rule -> rule.resource().equals(resource))
        .filter(rule -> rule.prefix() ? name.startsWith(rule.name()) : name.equals(rule.name()))
        .max(closest)
        .map(rule -> access.apply(rule).compareTo(wanted) >= 0)
        .orElse(defaultAllow);
  }

  private boolean may(String resource, String name, Access wanted) {
    return may(resource, name, wanted, Rule::access);
  }

  boolean serviceRead(String name) {
    return may("service", name, Access.READ);
  }

  boolean serviceWrite(String name) {
    return may("service", name, Access.WRITE);
  }

  boolean nodeRead(String name) {
    return may("node", name, Access.READ);
  }

  boolean nodeWrite(String name) {
    return may("node", name, Access.WRITE);
  }

  boolean agentRead(String name) {
    return may("agent", name, Access.READ);
  }

  boolean operatorWrite() {
    return may("operator", "", Access.WRITE);
  }

  /** Managing tokens: never by default. */
  boolean aclWrite() {
    return everything || (grantsAcl() && may("acl", "", Access.WRITE));
  }

  boolean aclRead() {
    return everything || (grantsAcl() && may("acl", "", Access.READ));
  }

  private boolean grantsAcl() {
    return rules.stream().anyMatch(rule -> rule.resource().equals("acl"));
  }

  /** Intentions of {@code *} concern everybody who may see any. */
  boolean intentionRead(String name) {
    return name.equals("*")
        ? everything
            || defaultAllow
            || rules.stream()
                .filter(rule -> rule.resource().equals("service"))
                .anyMatch(rule -> rule.intentionAccess() != Access.DENY)
        : may("service", name, Access.READ, Rule::intentionAccess);
  }

  boolean intentionWrite(String name) {
    return may("service", name, Access.WRITE, Rule::intentionAccess);
  }

  static void require(boolean granted) {
    if (!granted) {
      throw ApiError.permissionDenied();
    }
  }

  /** What the agent says of its own services and checks (g). */
  void requireServiceWrite(String name) {
    if (!serviceWrite(name)) {
      throw new ApiError(403, "Permission denied: Missing service:write on " + name);
    }
  }
}
