package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.AuditRecord;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.intention.Decision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What the documents say of the code is what the code says. */
final class DocsTest {
  private static final Path ROOT = root();
  private static final String OPERATIONS = read(ROOT.resolve("docs/operations.md"));
  private static final String SECURITY = read(ROOT.resolve("docs/security.md"));
  private static final Map<String, String> SOURCES =
      sources(ROOT.resolve("mesh-native-api/src/main/java"));

  private static final Pattern LITERAL = Pattern.compile("\"((?:[^\"\\\\\n]|\\\\.)*)\"");
  private static final String OWN = "[<service>] ";
  private static final Pattern PLACEHOLDER = Pattern.compile("<[a-z ]+>");

  // ---- log lines ----

  @TestFactory
  Stream<DynamicTest> aLogLineStandsInTheCode() {
    return fenced("log").stream()
        .map(line ->
            DynamicTest.dynamicTest(
                line,
                () ->
                    assertThat(SOURCES.values())
                        .as("sources with these texts, in this order: " + line)
                        .anyMatch(source -> holdsInOrder(texts(source), fragments(line)))));
  }

  @Test
  void aLogLineThatIsNotInTheCodeWouldBeNoticed() {
    assertThat(fragments("[<service>] denied <direction> <id>: <reason>"))
        .containsExactly("denied ", " ", ": ");
    String source = SOURCES.get("Events");
    assertThat(holdsInOrder(texts(source), fragments("[<service>] denied <direction>"))).isTrue();
    assertThat(holdsInOrder(texts(source), fragments("[<service>] refused <direction>"))).isFalse();
  }

  /** What stands between the placeholders; the service comes before a line, whatever it says. */
  private static List<String> fragments(String line) {
    String said = line.startsWith(OWN) ? line.substring(OWN.length()) : line;
    return Arrays.stream(PLACEHOLDER.split(said)).filter(part -> !part.isEmpty()).toList();
  }

  /** The texts of a source, in order; those that are merely broken over lines in one piece. */
  private static List<String> texts(String source) {
    String joined = source.replaceAll("\"\\s*\\+\\s*\"", "");
    List<String> texts = new ArrayList<>();
    for (Matcher literal = LITERAL.matcher(joined); literal.find(); ) {
      texts.add(literal.group(1).replaceAll("\\{\\d}", "\u0000"));
    }
    return texts;
  }

  private static boolean holdsInOrder(List<String> texts, List<String> fragments) {
    for (int start = 0; start < texts.size(); start++) {
      if (holdsFrom(texts, start, fragments)) {
        return true;
      }
    }
    return false;
  }

  private static boolean holdsFrom(List<String> texts, int start, List<String> fragments) {
    int text = start;
    int at = 0;
    for (String fragment : fragments) {
      int found = text < texts.size() ? texts.get(text).indexOf(fragment, at) : -1;
      while (found < 0 && ++text < texts.size()) {
        found = texts.get(text).indexOf(fragment);
      }
      if (found < 0) {
        return false;
      }
      at = found + fragment.length();
    }
    return true;
  }

  // ---- names ----

  @Test
  void everyEventOfTheFlightRecorderIsListedWithItsFields() {
    Map<String, String> names = new TreeMap<>();
    SOURCES.forEach((type, source) -> {
      Matcher name = Pattern.compile("@Name\\(\"(io\\.meshnative\\.[^\"]+)\"\\)").matcher(source);
      if (name.find()) {
        names.put(name.group(1), type);
      }
    });
    Map<String, TreeSet<String>> coded = new TreeMap<>();
    names.forEach((name, type) -> coded.put(name, fields(type)));
    Map<String, TreeSet<String>> listed = new TreeMap<>();
    rows(OPERATIONS, "| `io.meshnative.")
        .forEach(cells -> listed.put(cells.get(0).get(0), new TreeSet<>(cells.get(2))));
    assertThat(listed).isEqualTo(coded);
  }

  private static TreeSet<String> fields(String type) {
    String source = LITERAL.matcher(SOURCES.get(type)).replaceAll("");
    TreeSet<String> fields = new TreeSet<>();
    Matcher field =
        Pattern.compile("@Label\\([^;]*?\\s(\\w+)(?: = -1)?;")
            .matcher(source.substring(source.indexOf("class ")));
    while (field.find()) {
      fields.add(field.group(1));
    }
    Matcher parent = Pattern.compile("class \\w+ extends (\\w+)").matcher(source);
    if (parent.find() && SOURCES.containsKey(parent.group(1))) {
      fields.addAll(fields(parent.group(1)));
    }
    return fields;
  }

  @Test
  void everyEventOfAListenerIsListed() {
    assertListed(
        section("## Events"),
        Arrays.stream(MeshEvent.class.getPermittedSubclasses()).map(Class::getSimpleName));
  }

  @Test
  void everyStateIsListed() {
    assertListed(section("## States"), Arrays.stream(MeshState.values()).map(Enum::name));
  }

  @Test
  void everyCauseOfADenialHasANextStep() {
    assertListed(section("## Runbook"), Arrays.stream(Decision.Cause.values()).map(Enum::name));
  }

  @Test
  void everyKindOfAuditRecordIsNamed() {
    for (AuditRecord.Kind kind : AuditRecord.Kind.values()) {
      assertThat(section("## The audit sink")).contains("`" + kind + "`");
    }
  }

  private static void assertListed(String section, Stream<String> names) {
    TreeSet<String> listed = new TreeSet<>();
    rows(section, "| `").forEach(cells -> listed.add(cells.get(0).get(0)));
    assertThat(listed).isEqualTo(new TreeSet<>(names.toList()));
  }

  // ---- numbers ----

  @TestFactory
  Stream<DynamicTest> aLimitIsTheOneInTheCode() {
    return section("## Limits and defaults")
        .lines()
        .filter(line -> line.startsWith("| ") && line.endsWith("` |"))
        .map(line ->
            DynamicTest.dynamicTest(
                line,
                () -> {
                  String quoted = line.substring(line.lastIndexOf("| `") + 3, line.length() - 3);
                  String type = quoted.substring(0, quoted.indexOf(": "));
                  String code = quoted.substring(quoted.indexOf(": ") + 2);
                  assertThat(SOURCES).containsKey(type);
                  assertThat(SOURCES.get(type).replaceAll("\\s+", " ")).contains(code);
                }));
  }

  // ---- attacks ----

  @TestFactory
  Stream<DynamicTest> anAttackIsProvedByTestsThatExist() {
    TreeSet<String> tests = new TreeSet<>();
    for (String module :
        List.of(
            "mesh-native-api",
            "mesh-native-grpc",
            "mesh-native-okhttp",
            "mesh-native-servlet",
            "mesh-native-spring-boot-starter",
            "mesh-native-testkit",
            "mesh-native-tests")) {
      tests.addAll(sources(ROOT.resolve(module).resolve("src/test/java")).keySet());
    }
    return attacks().stream()
        .map(row ->
            DynamicTest.dynamicTest(
                row,
                () -> {
                  String proof = row.substring(row.lastIndexOf(" | ") + 3);
                  List<String> named = quoted(proof);
                  assertThat(tests).containsAll(named);
                  assertThat(
                          !named.isEmpty()
                              || proof.matches("(\\*(later|open)\\*|not applicable).*"))
                      .as("a proof, or why there is none")
                      .isTrue();
                }));
  }

  @Test
  void everyAttackHasItsRowOnce() {
    List<String> ids = attacks().stream().map(row -> row.substring(2, 5)).toList();
    List<String> expected = new ArrayList<>();
    for (int[] range : new int[][] {{1, 18}, {20, 27}, {30, 45}, {50, 55}}) {
      for (int id = range[0]; id <= range[1]; id++) {
        expected.add(String.format("T%02d", id));
      }
    }
    assertThat(ids).isEqualTo(expected);
  }

  private static List<String> attacks() {
    return SECURITY.lines().filter(line -> line.matches("\\| T\\d\\d \\|.*")).toList();
  }

  // ---- reading ----

  private static List<String> fenced(String language) {
    List<String> lines = new ArrayList<>();
    boolean inside = false;
    for (String line : OPERATIONS.lines().toList()) {
      if (line.startsWith("```")) {
        inside = line.equals("```" + language);
      } else if (inside) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static String section(String heading) {
    int from = OPERATIONS.indexOf(heading);
    assertThat(from).as(heading).isNotNegative();
    int to = OPERATIONS.indexOf("\n## ", from + heading.length());
    return OPERATIONS.substring(from, to < 0 ? OPERATIONS.length() : to);
  }

  /** What is quoted in each cell of the rows that begin so; a cell that names none is empty. */
  private static List<List<List<String>>> rows(String text, String begin) {
    return text.lines()
        .filter(line -> line.startsWith(begin))
        .filter(line -> !line.startsWith("| `MeshEvent`") && !line.startsWith("| `Decision.Cause`"))
        .map(line -> Arrays.stream(line.substring(1).split("\\|")).map(DocsTest::quoted).toList())
        .toList();
  }

  private static List<String> quoted(String text) {
    List<String> quoted = new ArrayList<>();
    for (Matcher code = Pattern.compile("`([^`]+)`").matcher(text); code.find(); ) {
      quoted.add(code.group(1));
    }
    return quoted;
  }

  /** By the name of the type. */
  private static Map<String, String> sources(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(file -> file.toString().endsWith(".java"))
          .filter(file -> !file.endsWith("package-info.java"))
          .collect(
              Collectors.toMap(
                  file -> file.getFileName().toString().replace(".java", ""),
                  DocsTest::read,
                  (one, other) -> one + other));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("mesh-native-bom/pom.xml"))) {
      at = at.getParent();
      if (at == null) {
        throw new IllegalStateException(
            "expected to run inside the source tree, found " + Path.of("").toAbsolutePath());
      }
    }
    return at;
  }
}
