package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.intention.Decision;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Our decisions on random permission sets, defaults and requests, against grpc-java's engine for
 * role-based access policies that is given the same by Consul's translation. They are equal, or
 * differ in one of the classes of {@link L7Difference}, or we answer 400.
 */
class L7DifferentialTest {
  private static final int POLICIES = 300;
  private static final int REQUESTS = 20;
  private static final int AT_LEAST = 3_000;
  private static final long SEED_OF_THE_BUILD = 20261121;
  private static final long SEED = Long.getLong("mesh.it.seed", SEED_OF_THE_BUILD);

  private static final Map<String, X509Certificate> CERTIFICATES = new HashMap<>();

  /** What was found. */
  private static final class Findings {
    final Map<L7Difference, Integer> alone = new EnumMap<>(L7Difference.class);
    final Map<L7Difference, Integer> weAllow = new EnumMap<>(L7Difference.class);
    final List<L7Cases.Triple> unexplained = new ArrayList<>();
    int decided;
    int allowed;
    int differing;
    int refused;
    int refusedAndAllowedThere;
  }

  private static final Findings FOUND = new Findings();

  @BeforeAll
  static void decideAll() {
    MeshTestAuthority authority = MeshTestAuthority.create();
    for (String caller : L7Cases.CALLERS) {
      CERTIFICATES.put(caller, authority.issue(LeafSpec.service(caller)).chain().get(0));
    }
    for (L7Cases.Policy policy : L7Cases.draw(SEED, POLICIES, REQUESTS)) {
      policy.triples().forEach(L7DifferentialTest::judge);
    }
  }

  private static void judge(L7Cases.Triple triple) {
    Optional<Decision> ours = ours(triple);
    boolean theirs = theirs(triple);
    if (ours.isEmpty()) {
      FOUND.refused++;
      FOUND.refusedAndAllowedThere += theirs ? 1 : 0;
      return;
    }
    FOUND.decided++;
    FOUND.allowed += ours.get().isAllowed() ? 1 : 0;
    if (ours.get().isAllowed() != theirs) {
      FOUND.differing++;
      explain(triple, ours.get().isAllowed());
    }
  }

  /** By one class if one suffices, else by all together. */
  private static void explain(L7Cases.Triple triple, boolean ours) {
    for (L7Difference one : L7Difference.values()) {
      if (isExplained(triple, ours, EnumSet.of(one))) {
        FOUND.alone.merge(one, 1, Integer::sum);
        FOUND.weAllow.merge(one, ours ? 1 : 0, Integer::sum);
        return;
      }
    }
    if (!isExplained(triple, ours, EnumSet.allOf(L7Difference.class))) {
      FOUND.unexplained.add(triple);
    }
  }

  private static boolean isExplained(
      L7Cases.Triple triple, boolean ours, Set<L7Difference> classes) {
    L7Cases.Triple without = L7Difference.without(classes, triple);
    boolean still = ours(without).orElseThrow().isAllowed();
    boolean kept =
        classes.stream().allMatch(L7Difference::isOneForUs) ? still == ours : still || !ours;
    return kept && still == theirs(without);
  }

  private static Optional<Decision> ours(L7Cases.Triple triple) {
    return L7Oracles.decide(L7Oracles.table(triple.policy()), triple.request());
  }

  private static boolean theirs(L7Cases.Triple triple) {
    ConsulRbac rbac = ConsulRbac.of(triple.policy().intentions(), triple.policy().byDefault());
    return GrpcRbac.of(rbac).allows(triple.request(), CERTIFICATES.get(triple.request().caller()));
  }

  @Test
  @Tag("T20")
  @Tag("T22")
  @Tag("T35")
  void bothDecideAlikeButInTheListedClasses() {
    assertThat(FOUND.unexplained).as("seed %s", SEED).isEmpty();
    assertThat(FOUND.decided).isGreaterThanOrEqualTo(AT_LEAST);
  }

  @Test
  void neitherAnswerIsRare() {
    assertThat(FOUND.allowed).isBetween(FOUND.decided / 5, FOUND.decided * 4 / 5);
    assertThat(FOUND.differing).isLessThan(FOUND.decided / 10);
  }

  @Test
  void everyListedClassOccurs() {
    assertThat(FOUND.alone).containsOnlyKeys(L7Difference.values());
  }

  /** Of the seed of the build; another one finds others. */
  @Test
  void theDocumentationTellsWhatIsFound() {
    Assumptions.assumeTrue(SEED == SEED_OF_THE_BUILD, "another seed was asked for");
    assertThat(L7Docs.section("## Where we decide otherwise than a proxy").replaceAll("\\s+", " "))
        .contains(
            String.format(
                Locale.ROOT,
                "%,d of the %,d are decided and %d answered with 400; %,d are allowed; %d of the"
                    + " decisions differ",
                FOUND.decided,
                POLICIES * REQUESTS,
                FOUND.refused,
                FOUND.allowed,
                FOUND.differing))
        .contains(FOUND.refusedAndAllowedThere + " of the " + FOUND.refused + " were allowed");
  }

  @Test
  void aRepeatedHeaderNeverGetsMoreThanItWouldThere() {
    assertThat(FOUND.weAllow).containsEntry(L7Difference.REPEATED_HEADER, 0);
  }

  @Test
  @Tag("T30")
  @Tag("T31")
  void whatHasASecondReadingIsRefusedThoughItWouldBeAllowedThere() {
    assertThat(FOUND.refused).isPositive();
    assertThat(FOUND.refusedAndAllowedThere).isPositive();
  }
}
