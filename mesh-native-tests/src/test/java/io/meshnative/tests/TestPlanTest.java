package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.properties.HasAnnotations;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Tags;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Holds the plan: every row of the threat list (T01–T55) and every promise (P1–P8) is proven by
 * tests that bear its id, or says why not, in {@code test-plan.tsv}.
 *
 * <p>How a test bears an id, in all modules: <b>its method's name begins with it</b> ({@code
 * t05AnotherDomainIsRefused}, {@code T05_…}), <b>or it, or its class, is tagged</b>
 * ({@code @Tag("T05")}) where it proves several rows or its sentence reads better without. So
 * {@code -Dgroups=T05} runs the tagged ones. Names and tags are read from class files: the API's
 * own tests are on no other module's class path.
 */
final class TestPlanTest {
  private static final Pattern ID_IN_NAME = Pattern.compile("^[tT](\\d\\d)(?!\\d)");
  private static final Pattern ID = Pattern.compile("T\\d\\d|P\\d");
  private static final Set<String> STATUSES = Set.of("proved", "later", "none");

  /** One line of the table. */
  record Row(String id, String status, String text) {
    List<String> classes() {
      return List.of(text.split(" "));
    }

    @Override
    public String toString() {
      return id + " " + status;
    }
  }

  private static final Map<String, Row> PLAN = plan();
  private static final Map<String, Set<String>> FOUND = tests();

  private static Map<String, Row> plan() {
    Map<String, Row> plan = new LinkedHashMap<>();
    try (InputStream in = TestPlanTest.class.getResourceAsStream("test-plan.tsv");
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          String[] fields = line.split("\t", -1);
          assertThat(fields).as(line).hasSize(3);
          Row row = new Row(fields[0], fields[1], fields[2]);
          assertThat(plan.put(row.id(), row)).as(row.id() + " is listed once").isNull();
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    return plan;
  }

  /** Test classes by the ids that they, or their methods, bear. */
  private static Map<String, Set<String>> tests() {
    Path root = Path.of("").toAbsolutePath();
    if (!Files.exists(root.resolve("mesh-native-api"))) {
      root = root.getParent();
    }
    List<Path> folders = new ArrayList<>();
    for (String module :
        new String[] {"mesh-native-api", "mesh-native-servlet", "mesh-native-tests"}) {
      folders.add(root.resolve(module).resolve("target/test-classes"));
    }
    assertThat(folders).as("compiled tests").allMatch(Files::isDirectory);
    JavaClasses classes = new ClassFileImporter().importPaths(folders);
    Map<String, Set<String>> found = new TreeMap<>();
    for (JavaClass type : classes) {
      if (type.getModifiers().contains(JavaModifier.ABSTRACT)) {
        continue; // its tests run in the classes that inherit them
      }
      Set<String> ofClass = ids(type);
      for (JavaMethod method : type.getAllMethods()) {
        if (!isTest(method)) {
          continue;
        }
        Set<String> ids = ids(method);
        ids.addAll(ofClass);
        Matcher named = ID_IN_NAME.matcher(method.getName());
        if (named.find()) {
          ids.add("T" + named.group(1));
        }
        ids.forEach(
            id -> found.computeIfAbsent(id, i -> new TreeSet<>()).add(type.getSimpleName()));
      }
    }
    return found;
  }

  private static boolean isTest(JavaMethod method) {
    return method.getAnnotations().stream()
        .map(annotation -> annotation.getRawType().getSimpleName())
        .anyMatch(Set.of("Test", "ParameterizedTest", "RepeatedTest", "TestFactory")::contains);
  }

  private static Set<String> ids(HasAnnotations<?> element) {
    Set<String> ids = new TreeSet<>();
    for (JavaAnnotation<?> annotation : element.getAnnotations()) {
      if (annotation.getRawType().isEquivalentTo(Tag.class)) {
        ids.add(String.valueOf(annotation.get("value").orElseThrow()));
      } else if (annotation.getRawType().isEquivalentTo(Tags.class)) {
        for (Object tag : (Object[]) annotation.get("value").orElseThrow()) {
          ids.add(String.valueOf(((JavaAnnotation<?>) tag).get("value").orElseThrow()));
        }
      }
    }
    ids.removeIf(id -> !ID.matcher(id).matches());
    return ids;
  }

  @Test
  void thePlanListsEveryRowAndEveryPromise() {
    List<String> expected =
        Stream.of(
                IntStream.rangeClosed(1, 18).mapToObj(i -> String.format("T%02d", i)),
                IntStream.rangeClosed(20, 27).mapToObj(i -> "T" + i),
                IntStream.rangeClosed(30, 45).mapToObj(i -> "T" + i),
                IntStream.rangeClosed(50, 55).mapToObj(i -> "T" + i),
                IntStream.rangeClosed(1, 8).mapToObj(i -> "P" + i))
            .flatMap(ids -> ids)
            .toList();
    assertThat(PLAN.keySet()).containsExactlyElementsOf(expected);
  }

  static Stream<Row> rows() {
    return PLAN.values().stream();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void everyRowHasItsTestsOrItsReason(Row row) {
    assertThat(row.status()).isIn(STATUSES);
    if (row.status().equals("proved")) {
      assertThat(FOUND.getOrDefault(row.id(), Set.of()))
          .as("test classes that bear " + row.id() + " by a method's name or a tag")
          .containsAll(row.classes());
    } else {
      assertThat(row.text()).as("a reason").hasSizeGreaterThan(30);
    }
  }

  /** Whoever proves a row that the plan puts off has forgotten the plan; and no id is made up. */
  @Test
  void noTestBearsAnIdThatThePlanDoesNotKnowOrPutsOff() {
    for (String id : FOUND.keySet()) {
      assertThat(PLAN).as("the plan, of tests in " + FOUND.get(id)).containsKey(id);
      assertThat(PLAN.get(id).status())
          .as(id + ", which tests in " + FOUND.get(id) + " bear")
          .isEqualTo("proved");
    }
  }
}
