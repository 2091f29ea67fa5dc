package io.meshnative.tests;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Holds the floors of the house: a package of the API module imports only from floors below its
 * own. A package that is not on the plan is refused, so that a new room gets its floor first.
 */
final class ArchitectureTest {
  private static final String ROOT = "io.meshnative";
  private static final String IDENTITY = ROOT + ".identity";
  private static final String INTENTION = ROOT + ".intention";
  private static final String DISCOVERY = ROOT + ".discovery";
  private static final String SPI = ROOT + ".spi";
  private static final String CONSUL = ROOT + ".consul";
  private static final String FLIGHT = ROOT + ".internal.flight";
  private static final String TLS = ROOT + ".internal.tls";
  private static final String AGENT = ROOT + ".internal.consul";
  private static final String MICROMETER = ROOT + ".micrometer";
  private static final String TRANSPORT = ROOT + ".internal.transport";
  private static final String CLIENT = ROOT + ".internal.client";

  private static final Map<String, Integer> FLOORS =
      Map.ofEntries(
          Map.entry(IDENTITY, 1),
          Map.entry(INTENTION, 1),
          Map.entry(DISCOVERY, 2),
          Map.entry(SPI, 3),
          Map.entry(CONSUL, 3),
          Map.entry(ROOT, 4),
          Map.entry(FLIGHT, 4),
          Map.entry(MICROMETER, 5),
          Map.entry(TLS, 5),
          Map.entry(AGENT, 5),
          Map.entry(TRANSPORT, 6),
          Map.entry(CLIENT, 7));

  /** Steps between rooms of one floor: intentions name the Consul ids that they are about. */
  private static final Map<String, Set<String>> STEPS = Map.of(INTENTION, Set.of(IDENTITY));

  /** What lies below in number and must stay unknown all the same. */
  private static final Map<String, Set<String>> WALLS =
      Map.of(
          FLIGHT, Set.of(IDENTITY, INTENTION, DISCOVERY, SPI, CONSUL),
          MICROMETER, Set.of(FLIGHT, SPI, CONSUL),
          TLS, Set.of(CONSUL, AGENT),
          TRANSPORT, Set.of(CONSUL, AGENT));

  /** The modules beside the API; each knows the public packages only. */
  private static final String[] OUTSIDE = {
    ROOT + ".testkit..",
    ROOT + ".okhttp..",
    ROOT + ".httpserver..",
    ROOT + ".grpc..",
    ROOT + ".jdbc..",
    ROOT + ".servlet..",
    ROOT + ".reactor..",
    ROOT + ".spring..",
    ROOT + ".samples.."
  };

  private static JavaClasses library;
  private static JavaClasses everything;

  @BeforeAll
  static void read() {
    library =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(ROOT);
    everything = new ClassFileImporter().importPackages(ROOT);
  }

  @Test
  void theClassesOfTheApiAreSeen() {
    assertThat(library.stream().map(JavaClass::getPackageName))
        .contains(IDENTITY, INTENTION, DISCOVERY, SPI, ROOT);
  }

  @Test
  void everyPackageOfTheApiHasAFloor() {
    Set<String> homeless = new TreeSet<>();
    for (JavaClass type : library) {
      String room = type.getPackageName();
      if (!FLOORS.containsKey(room) && !resideInAnyPackage(OUTSIDE).test(type)) {
        homeless.add(room);
      }
    }
    assertThat(homeless).as("packages of the API module that the plan does not name").isEmpty();
  }

  @TestFactory
  Stream<DynamicTest> aPackageImportsOnlyFromFloorsBelow() {
    return new TreeMap<>(FLOORS)
        .keySet().stream()
            .map(room ->
                DynamicTest.dynamicTest(
                    room,
                    () ->
                        noClasses()
                            .that()
                            .resideInAPackage(room)
                            .should()
                            .dependOnClassesThat()
                            .resideInAnyPackage(forbiddenTo(room))
                            .because("a package imports only from floors below it")
                            .allowEmptyShould(true)
                            .check(library)));
  }

  private static String[] forbiddenTo(String room) {
    int floor = FLOORS.get(room);
    return Stream.concat(
            FLOORS.keySet().stream()
                .filter(other -> !other.equals(room))
                .filter(other ->
                    (FLOORS.get(other) >= floor
                            && !STEPS.getOrDefault(room, Set.of()).contains(other))
                        || WALLS.getOrDefault(room, Set.of()).contains(other)),
            Stream.of(OUTSIDE))
        .toArray(String[]::new);
  }

  @Test
  void thePublicPackagesDoNotKnowTheInternalOnes() {
    noClasses()
        .that()
        .resideInAnyPackage(ROOT, IDENTITY, INTENTION, DISCOVERY, SPI, CONSUL)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".internal..")
        .check(library);
  }

  @Test
  void onlyTheClientAndTheBuilderKnowTheConsulAdapter() {
    noClasses()
        .that(
            resideInAPackage(ROOT + "..")
                .and(resideOutsideOfPackages(CONSUL, AGENT, CLIENT, ROOT, ROOT + ".samples.."))
                .and(resideOutsideOfPackages(ROOT + ".spring..", ROOT + ".testkit..")))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(CONSUL, AGENT)
        .allowEmptyShould(true)
        .check(library);
  }

  @Test
  void nothingOutsideTheApiModuleUsesItsInternals() {
    noClasses()
        .that()
        .resideInAnyPackage(OUTSIDE)
        .should()
        .dependOnClassesThat()
        .resideInAPackage(ROOT + ".internal..")
        .check(everything);
  }

  /**
   * Three doors: the adapter as a control plane without its policy, the same with the guard of its
   * leaf in a hurry, and its decoder of intentions.
   */
  @Test
  void testsUseInternalsThroughThreeDoorsOnly() {
    Set<String> doors =
        Set.of(AGENT + ".ConsulControlPlane", AGENT + ".ImpatientAgent", AGENT + ".MatchAnswers");
    noClasses()
        .that()
        .resideInAPackage(ROOT + ".tests..")
        .should()
        .dependOnClassesThat(
            DescribedPredicate.describe(
                "are internal and no door",
                type ->
                    type.getPackageName().startsWith(ROOT + ".internal")
                        && !doors.contains(type.getName())))
        .check(everything);
  }

  @Test
  void theLibraryLogsAndDoesNotPrint() {
    noClasses()
        .that()
        .resideInAnyPackage(FLOORS.keySet().toArray(String[]::new))
        .should(ACCESS_STANDARD_STREAMS)
        .because("a library logs through System.Logger")
        .check(library);
  }

  /** What a Java runtime may lack is touched in one room only, behind one constant. */
  @Test
  void onlyTheFlightRoomKnowsTheFlightRecorder() {
    noClasses()
        .that()
        .resideInAnyPackage(FLOORS.keySet().toArray(String[]::new))
        .and()
        .resideOutsideOfPackage(FLIGHT)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("jdk.jfr..")
        .because("the library works on a runtime without the module jdk.jfr")
        .check(library);
  }

  /** Optional for users: whoever does not bind meters needs no Micrometer. */
  @Test
  void onlyTheMicrometerRoomKnowsMicrometer() {
    noClasses()
        .that()
        .resideInAnyPackage(FLOORS.keySet().toArray(String[]::new))
        .and()
        .resideOutsideOfPackage(MICROMETER)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.micrometer..")
        .because("Micrometer is optional")
        .check(library);
  }

  @Test
  void noTimerHasAThreadOfItsOwn() {
    noFields()
        .that()
        .areDeclaredInClassesThat()
        .resideInAPackage(ROOT + "..")
        .should()
        .haveRawType("java.util.Timer")
        .because("time comes from the injected scheduler")
        .check(library);
  }

  @Test
  void intentionsNeverMatchByABacktrackingEngine() {
    noClasses()
        .that()
        .resideInAPackage(INTENTION)
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.util.regex..")
        .because("a peer's request must not choose the matching time; RE2/J is linear")
        .check(library);
  }
}
