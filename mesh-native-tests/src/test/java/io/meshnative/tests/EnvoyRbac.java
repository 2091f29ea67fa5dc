package io.meshnative.tests;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@link ConsulRbac} as the configuration of Envoy's filters for role-based access control. */
final class EnvoyRbac {
  private EnvoyRbac() {}

  /** For a filter that judges requests. */
  static Map<String, Object> ofRequests(List<Intention> intentions, DefaultDecision byDefault) {
    return rules(ConsulRbac.of(intentions, byDefault));
  }

  /** For a filter that judges connections: intentions that ask for a request deny there. */
  static Map<String, Object> ofConnections(List<Intention> intentions, DefaultDecision byDefault) {
    List<Intention> plain =
        intentions.stream()
            .map(intention -> intention.permissions().isEmpty() ? intention : denying(intention))
            .toList();
    return rules(ConsulRbac.of(plain, byDefault));
  }

  private static Intention denying(Intention intention) {
    return new Intention(
        intention.source(),
        intention.destination(),
        Optional.of(Intention.Action.DENY),
        List.of(),
        intention.precedence(),
        intention.requiresJwt(),
        intention.description(),
        intention.defects());
  }

  private static Map<String, Object> rules(ConsulRbac rbac) {
    Map<String, Object> policies = new LinkedHashMap<>();
    for (ConsulRbac.Policy policy : rbac.policies()) {
      policies.put(
          policy.name(),
          Map.of(
              "principals",
              policy.principals().stream().map(EnvoyRbac::principal).toList(),
              "permissions",
              policy.rules().stream().map(EnvoyRbac::rule).toList()));
    }
    return Map.of("action", rbac.action().name(), "policies", policies);
  }

  private static Map<String, Object> principal(ConsulRbac.Principal principal) {
    if (principal instanceof ConsulRbac.Principal.Uri uri) {
      return Map.of("authenticated", Map.of("principal_name", regex(uri.regex())));
    }
    if (principal instanceof ConsulRbac.Principal.Not not) {
      return Map.of("not_id", principal(not.principal()));
    }
    ConsulRbac.Principal.And and = (ConsulRbac.Principal.And) principal;
    return Map.of(
        "and_ids", Map.of("ids", and.principals().stream().map(EnvoyRbac::principal).toList()));
  }

  private static Map<String, Object> rule(ConsulRbac.Rule rule) {
    if (rule instanceof ConsulRbac.Rule.Anything) {
      return Map.of("any", true);
    }
    if (rule instanceof ConsulRbac.Rule.Path path) {
      return Map.of("url_path", Map.of("path", path(path)));
    }
    if (rule instanceof ConsulRbac.Rule.Header header) {
      return Map.of("header", header(header.condition()));
    }
    if (rule instanceof ConsulRbac.Rule.Method method) {
      return Map.of("header", Map.of("name", ":method", "string_match", regex(method.regex())));
    }
    if (rule instanceof ConsulRbac.Rule.Not not) {
      return Map.of("not_rule", rule(not.rule()));
    }
    ConsulRbac.Rule.And and = (ConsulRbac.Rule.And) rule;
    return Map.of("and_rules", Map.of("rules", and.rules().stream().map(EnvoyRbac::rule).toList()));
  }

  private static Map<String, Object> path(ConsulRbac.Rule.Path path) {
    return switch (path.kind()) {
      case EXACT -> Map.of("exact", path.value());
      case PREFIX -> Map.of("prefix", path.value());
      case REGEX -> regex(path.value());
    };
  }

  private static Map<String, Object> header(Permission.HeaderCondition condition) {
    Map<String, Object> matcher = new LinkedHashMap<>();
    matcher.put("name", condition.name());
    if (condition.kind() == Permission.HeaderKind.PRESENT) {
      matcher.put("present_match", true);
    } else {
      matcher.put("string_match", value(condition));
    }
    if (condition.invert()) {
      matcher.put("invert_match", true);
    }
    return matcher;
  }

  private static Map<String, Object> value(Permission.HeaderCondition condition) {
    String text = condition.value();
    Map<String, Object> match =
        new LinkedHashMap<>(
            switch (condition.kind()) {
              case EXACT -> Map.<String, Object>of("exact", text);
              case PREFIX -> Map.<String, Object>of("prefix", text);
              case SUFFIX -> Map.<String, Object>of("suffix", text);
              case CONTAINS -> Map.<String, Object>of("contains", text);
              case REGEX -> regex(text);
              case PRESENT -> throw new IllegalArgumentException("compares with nothing");
            });
    if (condition.ignoreCase()) {
      match.put("ignore_case", true);
    }
    return match;
  }

  private static Map<String, Object> regex(String expression) {
    return Map.of("safe_regex", Map.of("regex", expression));
  }
}
