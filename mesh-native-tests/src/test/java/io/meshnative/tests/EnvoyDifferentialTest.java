package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Decision;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Our decisions on random permission sets, defaults and requests, against a real Envoy that is
 * given the same by Consul's translation and gets each request over the wire. They are equal, or
 * differ in one of the classes of {@link L7Difference}, or one of both answers 400.
 */
@ParameterizedClass
@EnumSource
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class EnvoyDifferentialTest {
  private static final int POLICIES = 300;
  private static final int REQUESTS = 20;
  private static final int AT_LEAST = 3_000;
  private static final long SEED = Long.getLong("mesh.it.seed", 20261121);

  /** What Consul has its proxies do with a path before the rules are asked. */
  enum Paths {
    /** By default until 1.20.0. */
    AS_SENT(Map.of()),
    /** By default from 1.20.1 on. */
    NORMALIZED(Map.of("normalize_path", true));

    private final Map<String, Object> settings;

    Paths(Map<String, Object> settings) {
      this.settings = settings;
    }
  }

  @Parameter Paths paths;

  /** What was found. */
  private static final class Findings {
    final Map<L7Difference, Integer> alone = new EnumMap<>(L7Difference.class);
    final Map<L7Difference, Integer> weAllow = new EnumMap<>(L7Difference.class);
    final List<L7Cases.Triple> unexplained = new ArrayList<>();
    final List<L7Cases.Request> malformedThere = new ArrayList<>();
    int decided;
    int allowed;
    int differing;
    int refused;
    int refusedAndAllowedThere;
  }

  /** A difference, and how it looks without what some classes are about. */
  private record Counterfactual(
      L7Cases.Triple triple, boolean ours, Set<L7Difference> classes, L7Cases.Triple without) {}

  private Findings found = new Findings();

  @BeforeParameterizedClassInvocation
  void decideAll() throws IOException {
    RealPeers.requireEnvoyAtLeast(1, 36);
    found = new Findings();
    List<L7Cases.Triple> triples =
        L7Cases.draw(SEED, POLICIES, REQUESTS).stream().flatMap(L7Cases.Policy::triples).toList();
    try (EnvoyOracle envoy = new EnvoyOracle(paths.settings)) {
      List<EnvoyOracle.Answer> answers = envoy.ask(triples);
      List<Counterfactual> differing = new ArrayList<>();
      for (int i = 0; i < triples.size(); i++) {
        compare(triples.get(i), answers.get(i), differing);
      }
      explain(differing, envoy.ask(differing.stream().map(Counterfactual::without).toList()));
    }
  }

  private void compare(
      L7Cases.Triple triple, EnvoyOracle.Answer theirs, List<Counterfactual> differing) {
    Optional<Decision> ours = ours(triple);
    if (ours.isEmpty()) {
      found.refused++;
      found.refusedAndAllowedThere += theirs == EnvoyOracle.Answer.ALLOWED ? 1 : 0;
      return;
    }
    if (theirs == EnvoyOracle.Answer.MALFORMED) {
      found.malformedThere.add(triple.request());
      return;
    }
    found.decided++;
    boolean allowed = ours.get().isAllowed();
    found.allowed += allowed ? 1 : 0;
    if (allowed != (theirs == EnvoyOracle.Answer.ALLOWED)) {
      found.differing++;
      for (L7Difference one : L7Difference.values()) {
        differing.add(counterfactual(triple, allowed, EnumSet.of(one)));
      }
      differing.add(counterfactual(triple, allowed, EnumSet.allOf(L7Difference.class)));
    }
  }

  private static Counterfactual counterfactual(
      L7Cases.Triple triple, boolean ours, Set<L7Difference> classes) {
    return new Counterfactual(triple, ours, classes, L7Difference.without(classes, triple));
  }

  /** By one class if one suffices, else by all together. */
  private void explain(List<Counterfactual> asked, List<EnvoyOracle.Answer> answers) {
    Map<L7Cases.Triple, Set<L7Difference>> explained = new IdentityHashMap<>();
    for (int i = 0; i < asked.size(); i++) {
      Counterfactual one = asked.get(i);
      if (!explained.containsKey(one.triple()) && isExplained(one, answers.get(i))) {
        explained.put(one.triple(), one.classes());
        if (one.classes().size() == 1) {
          L7Difference difference = one.classes().iterator().next();
          found.alone.merge(difference, 1, Integer::sum);
          found.weAllow.merge(difference, one.ours() ? 1 : 0, Integer::sum);
        }
      }
    }
    asked.stream()
        .map(Counterfactual::triple)
        .distinct()
        .filter(triple -> !explained.containsKey(triple))
        .forEach(found.unexplained::add);
  }

  private static boolean isExplained(Counterfactual one, EnvoyOracle.Answer theirs) {
    boolean still = ours(one.without()).orElseThrow().isAllowed();
    boolean kept =
        one.classes().stream().allMatch(L7Difference::isOneForUs)
            ? still == one.ours()
            : still || !one.ours();
    return kept && theirs == (still ? EnvoyOracle.Answer.ALLOWED : EnvoyOracle.Answer.DENIED);
  }

  private static Optional<Decision> ours(L7Cases.Triple triple) {
    return L7Oracles.decide(L7Oracles.table(triple.policy()), triple.request());
  }

  @Test
  @Tag("T20")
  @Tag("T22")
  @Tag("T35")
  void envoyDecidesAlikeButInTheListedClasses() {
    assertThat(found.unexplained).as("seed %s", SEED).isEmpty();
    assertThat(found.decided).isGreaterThanOrEqualTo(AT_LEAST);
  }

  @Test
  void neitherAnswerIsRareAndEveryListedClassOccurs() {
    assertThat(found.allowed).isBetween(found.decided / 5, found.decided * 4 / 5);
    assertThat(found.differing).isLessThan(found.decided / 10);
    assertThat(found.alone).containsOnlyKeys(L7Difference.values());
  }

  @Test
  @Tag("T35")
  void aRepeatedHeaderNeverGetsMoreThanItWouldThere() {
    assertThat(found.weAllow).containsEntry(L7Difference.REPEATED_HEADER, 0);
  }

  @Test
  @Tag("T30")
  @Tag("T31")
  void whatHasASecondReadingIsRefusedThoughItWouldBeAllowedThere() {
    assertThat(found.refused).isPositive();
    assertThat(found.refusedAndAllowedThere).isPositive();
  }

  /** We take any method for what it is; no rule is about one that is not of capitals. */
  @Test
  @Tag("T37")
  void envoyRefusesNothingThatWeJudgeButMethodsInOtherLetters() {
    assertThat(found.malformedThere)
        .extracting(L7Cases.Request::method)
        .allSatisfy(method -> assertThat(method).isEqualTo(method.toLowerCase(Locale.ROOT)));
  }
}
