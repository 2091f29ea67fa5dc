package io.meshnative.tests;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a Consul server makes of one destination's intentions for a proxy: one list of policies that
 * all allow or all deny (reference: Consul §e.8). Role-based access filters know no order, so what
 * decides first is taken out of what would decide later, by "and not".
 *
 * <p>Written from the description and not from the library's own evaluator, and in no engine's own
 * types, so that it can be given to several.
 *
 * @param action what a policy that matches says; what none matches gets the opposite
 * @param policies any of them may match
 */
record ConsulRbac(Intention.Action action, List<Policy> policies) {

  /** Matches where any principal and any rule does. */
  record Policy(String name, List<Principal> principals, List<Rule> rules) {}

  /** A condition on the caller. */
  sealed interface Principal {
    /** The URI in the caller's certificate matches as a whole. */
    record Uri(String regex) implements Principal {}

    record Not(Principal principal) implements Principal {}

    record And(List<Principal> principals) implements Principal {}
  }

  /** A condition on the request. */
  sealed interface Rule {
    record Anything() implements Rule {}

    /** On the path without query. */
    record Path(Permission.PathKind kind, String value) implements Rule {}

    /** On the lines of a header, joined with commas. */
    record Header(Permission.HeaderCondition condition) implements Rule {}

    /** On the method as a whole, by an expression. */
    record Method(String regex) implements Rule {}

    record Not(Rule rule) implements Rule {}

    record And(List<Rule> rules) implements Rule {}
  }

  private static final String ANY = "[^/]+";

  /** An intention on its way: what decides before it is put into {@code notSources}. */
  private record Ranked(Intention intention, List<Intention.Source> notSources) {}

  static ConsulRbac of(List<Intention> intentions, DefaultDecision byDefault) {
    boolean blockList = byDefault == DefaultDecision.ALLOW;
    Intention.Action action = blockList ? Intention.Action.DENY : Intention.Action.ALLOW;
    List<Policy> policies = new ArrayList<>();
    List<Principal> connections = new ArrayList<>();
    for (Ranked ranked : withoutPrecedence(intentions)) {
      Intention intention = ranked.intention();
      if (intention.permissions().isEmpty()) {
        if (intention.action().orElseThrow() == action) {
          connections.add(principal(ranked));
        }
        continue;
      }
      List<Rule> rules = withoutOrder(intention.permissions(), action);
      if (!rules.isEmpty()) {
        policies.add(new Policy("layer7-" + policies.size(), List.of(principal(ranked)), rules));
      }
    }
    if (!connections.isEmpty()) {
      policies.add(new Policy("layer4", connections, List.of(new Rule.Anything())));
    }
    return new ConsulRbac(action, policies);
  }

  /** The first of a source alone, each without those narrower sources that decide before it. */
  private static List<Ranked> withoutPrecedence(List<Intention> intentions) {
    List<Intention> sorted = new ArrayList<>(intentions);
    sorted.sort(Comparator.comparingInt(Intention::precedence).reversed());
    Set<Intention.Source> seen = new HashSet<>();
    List<Ranked> ranked = new ArrayList<>();
    for (Intention intention : sorted) {
      if (!seen.add(intention.source())) {
        continue;
      }
      List<Intention.Source> before = new ArrayList<>();
      for (Ranked higher : ranked) {
        if (isNarrower(higher.intention().source(), intention.source())) {
          before.add(higher.intention().source());
        }
      }
      ranked.add(new Ranked(intention, before));
    }
    return ranked;
  }

  /** A broader source that decides first takes nothing out of a narrower one: reference §0.10. */
  private static boolean isNarrower(Intention.Source one, Intention.Source other) {
    return other.name().equals(Intention.WILDCARD) && !one.name().equals(Intention.WILDCARD);
  }

  private static Principal principal(Ranked ranked) {
    Principal source = uri(ranked.intention().source());
    if (ranked.notSources().isEmpty()) {
      return source;
    }
    List<Principal> parts = new ArrayList<>(List.of(source));
    for (Intention.Source not : ranked.notSources()) {
      parts.add(new Principal.Not(uri(not)));
    }
    return new Principal.And(parts);
  }

  /** Neither the trust domain nor the datacenter is compared. */
  private static Principal uri(Intention.Source source) {
    String name = source.name().equals(Intention.WILDCARD) ? ANY : source.name();
    return new Principal.Uri(
        "^spiffe://" + ANY + "/ns/" + source.namespace() + "/dc/" + ANY + "/svc/" + name + "$");
  }

  /** Those that say {@code action}, each without what stands before it. */
  private static List<Rule> withoutOrder(List<Permission> permissions, Intention.Action action) {
    List<Rule> before = new ArrayList<>();
    List<Rule> kept = new ArrayList<>();
    for (Permission permission : permissions) {
      Rule rule = rule(permission);
      if (permission.action() == action) {
        List<Rule> parts = new ArrayList<>(List.of(rule));
        before.forEach(higher -> parts.add(new Rule.Not(higher)));
        kept.add(parts.size() == 1 ? rule : new Rule.And(parts));
      }
      before.add(rule);
    }
    return kept;
  }

  private static Rule rule(Permission permission) {
    List<Rule> parts = new ArrayList<>();
    permission.path().ifPresent(path -> parts.add(new Rule.Path(path.kind(), path.value())));
    permission.headers().forEach(header -> parts.add(new Rule.Header(header)));
    if (!permission.methods().isEmpty()) {
      parts.add(new Rule.Method(String.join("|", permission.methods())));
    }
    return switch (parts.size()) {
      case 0 -> new Rule.Anything();
      case 1 -> parts.get(0);
      default -> new Rule.And(parts);
    };
  }
}
