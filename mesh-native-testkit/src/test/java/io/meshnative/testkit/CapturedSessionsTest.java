package io.meshnative.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Everything that was captured from real agents, played to the plane: every answer has the same
 * status, the same headers and the same content, but for what is another in every cluster.
 */
class CapturedSessionsTest {
  /** Exchanges that the plane does not answer as captured, and why that is right. */
  private static final Map<String, String> NOT_PLAYED = Map.of();

  @TestFactory
  Stream<DynamicTest> thePlaneAnswersAsTheRealAgentDid() {
    return Session.all().stream()
        .map(session ->
            DynamicTest.dynamicTest(
                session.toString(),
                () -> {
                  List<String> differences = new ArrayList<>();
                  session.play((name, difference) -> differences.add(name + ": " + difference));
                  assertThat(differences).isEmpty();
                }));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.8.7", "1.10.3"})
  void everyCapturedExchangeIsPlayedOrItIsSaidWhyNot(String version) {
    Set<String> played = new HashSet<>();
    Session.all().stream()
        .filter(session -> session.version().equals(version))
        .forEach(session -> played.addAll(session.exchanges()));
    TreeSet<String> forgotten = new TreeSet<>(Captured.names(version));
    forgotten.removeAll(played);
    forgotten.removeIf(name -> NOT_PLAYED.containsKey(version + "/" + name));
    assertThat(forgotten).isEmpty();
  }

  @Test
  void nothingIsExcusedThatIsPlayedOrDoesNotExist() {
    for (String excused : NOT_PLAYED.keySet()) {
      String version = excused.substring(0, excused.indexOf('/'));
      String name = excused.substring(excused.indexOf('/') + 1);
      assertThat(Captured.names(version)).contains(name);
      assertThat(Session.all())
          .noneMatch(one -> one.version().equals(version) && one.exchanges().contains(name));
    }
  }
}
