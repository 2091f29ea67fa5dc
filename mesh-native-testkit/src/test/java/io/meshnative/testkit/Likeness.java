package io.meshnative.testkit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Says in what an answer of the plane differs from the one that a real agent gave: status, headers,
 * and the whole content, but for what is another in every cluster, such as ids, indexes, keys and
 * times; of those the form counts. Learns on the way which id here stands for which id there.
 */
final class Likeness {
  /** Numbers and texts that no two clusters share. Their type has to be the same. */
  private static final Set<String> OWN =
      Set.of(
          "CreateIndex",
          "ModifyIndex",
          "SerialNumber",
          "CustomizationHash",
          "Hash",
          "ContentHash",
          "X-Consul-Index",
          "X-Consul-Contenthash",
          "Age",
          "GRPCPort",
          "HTTPPort");

  private static final List<Masking> MASKS =
      List.of(
          new Masking("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
          new Masking("(?s)-----BEGIN ([A-Z ]+)-----.*?-----END \\1-----", "<$1>"),
          new Masking("[0-9a-f]{2}(:[0-9a-f]{2}){5,}", "<hex>"),
          new Masking("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z", "<time>"),
          // Where this one agent's own servers are.
          new Masking("^127\\.0\\.0\\.1:\\d+$", "<server>"),
          new Masking("^node-acl$", "node-1"));

  private record Masking(Pattern pattern, String replacement) {
    Masking(String regex, String replacement) {
      this(Pattern.compile(regex), replacement);
    }
  }

  private static final Pattern ID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final Map<String, String> learned;
  private final List<String> differences = new ArrayList<>();

  private final boolean cut;

  private Likeness(Map<String, String> learned, boolean cut) {
    this.learned = learned;
    this.cut = cut;
  }

  /**
   * Compares.
   *
   * @param learned is added to: captured ids, and what they are here
   * @param cut whether fields were taken from the captured body
   * @return the differences, none if all is well
   */
  static List<String> differences(
      Captured captured, Agent.Answer answer, Map<String, String> learned, boolean cut) {
    Likeness likeness = new Likeness(learned, cut);
    if (captured.status() != answer.status()) {
      return List.of(
          "status: expected %d, found %d: %s"
              .formatted(captured.status(), answer.status(), answer.body()));
    }
    likeness.headers(captured.headers(), answer);
    boolean json = answer.header("Content-Type").equals("application/json");
    likeness.compare("", "", captured.answer(), json ? answer.tree() : answer.body());
    return likeness.differences;
  }

  private void headers(Map<String, String> captured, Agent.Answer answer) {
    Map<String, String> expected = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    expected.putAll(captured);
    Map<String, String> found = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    answer.headers().forEach((name, values) -> found.put(name, String.join(", ", values)));
    found.remove("Content-Length");
    if (!new TreeSet<>(keys(expected)).equals(new TreeSet<>(keys(found)))) {
      differences.add("headers: expected %s, found %s".formatted(expected, found));
      return;
    }
    expected.forEach((name, value) -> compare(name, name, value, found.get(name)));
    if ("false".equals(expected.get("X-Consul-Knownleader"))) {
      // An index of 1 is how the agent says that it has none to give.
      boolean none = expected.get("X-Consul-Index").equals("1");
      if (none != found.get("X-Consul-Index").equals("1")) {
        differences.add(
            "X-Consul-Index: expected %s, found %s"
                .formatted(expected.get("X-Consul-Index"), found.get("X-Consul-Index")));
      }
    }
  }

  private static List<String> keys(Map<String, String> map) {
    return map.keySet().stream().map(key -> key.toLowerCase(Locale.ROOT)).toList();
  }

  private void compare(String at, String key, @Nullable Object expected, @Nullable Object found) {
    if (expected instanceof Map<?, ?> a && found instanceof Map<?, ?> b) {
      maps(at, a, b);
    } else if (expected instanceof List<?> a && found instanceof List<?> b) {
      lists(at, a, b);
    } else if (OWN.contains(key) && sameType(expected, found)) {
      learn(expected, found);
    } else if (!masked(expected).equals(masked(found))) {
      differences.add("%s: expected %s, found %s".formatted(at, expected, found));
    } else {
      learn(expected, found);
    }
  }

  private static boolean sameType(@Nullable Object a, @Nullable Object b) {
    return a != null && b != null && a.getClass() == b.getClass();
  }

  private static String masked(@Nullable Object value) {
    if (!(value instanceof String text)) {
      return value == null ? "null" : value.getClass().getSimpleName() + " " + value;
    }
    String masked = text;
    for (Masking mask : MASKS) {
      masked = mask.pattern().matcher(masked).replaceAll(mask.replacement());
    }
    return "String " + masked;
  }

  private void learn(@Nullable Object expected, @Nullable Object found) {
    if (expected instanceof String a && found instanceof String b) {
      Matcher there = ID.matcher(a);
      Matcher here = ID.matcher(b);
      while (there.find() && here.find()) {
        learned.putIfAbsent(there.group(), here.group());
      }
      if (a.matches("[0-9a-f]{16}")) {
        learned.put(a, b);
      }
    }
  }

  private void maps(String at, Map<?, ?> expected, Map<?, ?> found) {
    TreeSet<String> names = new TreeSet<>();
    expected.keySet().forEach(name -> names.add((String) name));
    found.keySet().forEach(name -> names.add((String) name));
    for (String name : names) {
      String where = at.isEmpty() ? name : at + "." + name;
      if (unsynced(name, expected)) {
        continue;
      }
      if (!expected.containsKey(name)) {
        if (cut) {
          continue;
        }
        differences.add("%s: unexpected, found %s".formatted(where, found.get(name)));
      } else if (!found.containsKey(name)) {
        differences.add("%s: missing, expected %s".formatted(where, expected.get(name)));
      } else {
        compare(where, key(where, name, expected), expected.get(name), found.get(name));
      }
    }
  }

  /** The name of a field, or a name for those that only here are another in every cluster. */
  private static String key(String where, String name, Map<?, ?> object) {
    boolean ofMember = where.equals("Member.Port") || where.matches("Member\\.Tags\\..*port");
    // Whether a sidecar's port has been tried already is chance.
    boolean ofProbe = name.equals("Output") && "tcp".equals(object.get("Type"));
    return ofMember || ofProbe ? "Age" : name;
  }

  /** An agent that has only just started has not told the catalog everything about its node. */
  private static boolean unsynced(String name, Map<?, ?> node) {
    return Set.of("TaggedAddresses", "Meta", "NodeMeta").contains(name)
        && node.containsKey("Node")
        && node.containsKey("TaggedAddresses")
        && node.get("TaggedAddresses") == null;
  }

  private void lists(String at, List<?> expected, List<?> found) {
    if (expected.size() != found.size()) {
      differences.add("%s[]: expected %s, found %s".formatted(at, expected, found));
      return;
    }
    List<?> a = ordered(expected);
    List<?> b = ordered(found);
    for (int i = 0; i < a.size(); i++) {
      compare(at + "[" + i + "]", "", a.get(i), b.get(i));
    }
  }

  /** Rows of health and the list of roots come in an order without meaning (c.1, l.5). */
  private static List<?> ordered(List<?> list) {
    boolean free =
        list.stream()
            .allMatch(one ->
                one instanceof Map<?, ?> map
                    && (map.containsKey("Checks") || map.containsKey("RootCert")));
    return free ? list.stream().sorted(Comparator.comparing(Likeness::place)).toList() : list;
  }

  private static String place(Object one) {
    Map<?, ?> map = (Map<?, ?>) one;
    return map.get("Service") instanceof Map<?, ?> service
        ? String.valueOf(service.get("ID"))
        : "%012d".formatted((Long) map.get("CreateIndex"));
  }
}
