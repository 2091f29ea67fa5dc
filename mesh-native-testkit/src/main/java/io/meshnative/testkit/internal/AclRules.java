package io.meshnative.testkit.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The rules of a policy, read from Consul's HCL: {@code service "billing" { policy = "write" }}.
 *
 * @param rules in the order in which they were written
 */
public record AclRules(List<Rule> rules) {
  private static final Set<String> NAMED =
      Set.of("agent", "event", "key", "node", "query", "service", "session");
  private static final Set<String> BARE = Set.of("acl", "operator", "keyring");
  private static final Pattern TOKEN =
      Pattern.compile("\\s*(?:(#[^\n]*|//[^\n]*)|\"((?:[^\"\\\\]|\\\\.)*)\"|([A-Za-z_]+)|([{}=]))");

  /** How much is allowed. A later constant includes the earlier ones. */
  enum Access {
    DENY,
    READ,
    WRITE;

    static Access of(String text) {
      return switch (text) {
        case "deny" -> DENY;
        case "read", "list" -> READ;
        case "write" -> WRITE;
        default -> throw new IllegalArgumentException("Invalid policy '" + text + "'");
      };
    }
  }

  /**
   * One rule.
   *
   * @param name what it is about, exactly or as a prefix; empty for resources that have no names
   * @param intentions what it says of intentions; empty for what follows from the access
   */
  record Rule(String resource, String name, boolean prefix, Access access, String intentions) {
    /** Whoever may see a service may see its intentions, unless the rule says otherwise (h). */
    Access intentionAccess() {
      return intentions.isEmpty()
          ? access == Access.DENY ? Access.DENY : Access.READ
          : Access.of(intentions);
    }
  }

  /** What a service identity stands for (h). */
  static AclRules ofServiceIdentity(String service) {
    return new AclRules(
        List.of(
            new Rule("service", service, false, Access.WRITE, ""),
            new Rule("service", service + "-sidecar-proxy", false, Access.WRITE, ""),
            new Rule("service", "", true, Access.READ, ""),
            new Rule("node", "", true, Access.READ, "")));
  }

  /** What a node identity stands for. */
  static AclRules ofNodeIdentity(String node) {
    return new AclRules(
        List.of(
            new Rule("node", node, false, Access.WRITE, ""),
            new Rule("service", "", true, Access.READ, "")));
  }

  AclRules and(AclRules other) {
    List<Rule> all = new ArrayList<>(rules);
    all.addAll(other.rules);
    return new AclRules(List.copyOf(all));
  }

  /**
   * Reads rules.
   *
   * @throws IllegalArgumentException with the place that makes no sense
   */
  public static AclRules parse(String hcl) {
    return new Reader(hcl).read();
  }

  /** Reads one word after the other; HCL as far as policies use it. */
  private static final class Reader {
    private final List<String> words = new ArrayList<>();
    private final List<Rule> rules = new ArrayList<>();
    private int at;

    Reader(String hcl) {
      Matcher matcher = TOKEN.matcher(hcl);
      int end = 0;
      while (matcher.find(end) && matcher.start() == end) {
        end = matcher.end();
        if (matcher.group(2) != null) {
          words.add("\"" + matcher.group(2));
        } else if (matcher.group(1) == null) {
          words.add(matcher.group().strip());
        }
      }
      if (!hcl.substring(end).isBlank()) {
        throw new IllegalArgumentException(
            "cannot read the rules from here on: " + hcl.substring(end).strip());
      }
    }

    AclRules read() {
      while (at < words.size()) {
        String word = next().toLowerCase(Locale.ROOT);
        boolean prefix = word.endsWith("_prefix");
        String resource = prefix ? word.substring(0, word.length() - "_prefix".length()) : word;
        if (BARE.contains(resource)) {
          expect("=");
          rules.add(new Rule(resource, "", true, Access.of(quoted()), ""));
        } else if (NAMED.contains(resource)) {
          named(resource, prefix);
        } else {
          throw new IllegalArgumentException(
              "expected a resource such as service or node_prefix, found '" + word + "'");
        }
      }
      return new AclRules(List.copyOf(rules));
    }

    private void named(String resource, boolean prefix) {
      String name = quoted();
      Access access = Access.DENY;
      String intentions = "";
      expect("{");
      for (String key = next(); !key.equals("}"); key = next()) {
        expect("=");
        String value = quoted();
        if (key.equals("policy")) {
          access = Access.of(value);
        } else if (key.equals("intentions")) {
          intentions = Access.of(value).name().toLowerCase(Locale.ROOT);
        } else {
          throw new IllegalArgumentException(
              "expected policy or intentions in a rule, found '" + key + "'");
        }
      }
      rules.add(new Rule(resource, name, prefix, access, intentions));
    }

    private String next() {
      if (at >= words.size()) {
        throw new IllegalArgumentException("the rules end in the middle");
      }
      return words.get(at++);
    }

    private String quoted() {
      String word = next();
      if (!word.startsWith("\"")) {
        throw new IllegalArgumentException("expected a quoted text, found '" + word + "'");
      }
      return word.substring(1);
    }

    private void expect(String wanted) {
      String word = next();
      if (!word.equals(wanted)) {
        throw new IllegalArgumentException("expected '" + wanted + "', found '" + word + "'");
      }
    }
  }
}
