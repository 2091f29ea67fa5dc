package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.consul.MatchAnswers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Random policies, decided by the real agent's {@code authorize}, by the embedded plane's, and by
 * our table over the real {@code match} in both directions: all four must say the same.
 *
 * <p>A policy is what one destination is subject to: its own intentions and those of {@code *}.
 * Each round changes some of them everywhere. The agent answers {@code authorize} from a cache that
 * follows in the background; an intention of a source that nobody asks about is flipped last, and
 * once that shows, everything before it has been followed. So each question is asked once and a
 * wrong answer is never retried away.
 */
@ExtendWith(Quiet.class)
class DifferentialTest {
  private static final int DESTINATIONS = 20;
  private static final List<String> SOURCES = List.of("web", "api", "batch", "ops");
  private static final String UNNAMED = "nobody";
  private static final String SENTINEL = "sentinel";

  /** The scene of one run: two planes under the same policy. */
  private static final class Scene {
    final ConsulAgent agent;
    final EmbeddedPlane embedded;
    final boolean defaultAllow;
    final String trustDomain;
    final Random random;
    final Map<String, Boolean> rules = new TreeMap<>();

    Scene(ConsulAgent agent, EmbeddedPlane embedded, boolean defaultAllow, long seed)
        throws IOException {
      this.agent = agent;
      this.embedded = embedded;
      this.defaultAllow = defaultAllow;
      this.trustDomain = agent.trustDomain();
      this.random = new Random(seed);
    }

    void put(String source, String destination, boolean allow) throws IOException {
      for (Plane plane : List.of(agent, embedded)) {
        if (allow) {
          plane.allow(source, destination);
        } else {
          plane.deny(source, destination);
        }
      }
      rules.put(source + " " + destination, allow);
    }

    void remove(String source, String destination) throws IOException {
      agent.remove(source, destination);
      embedded.remove(source, destination);
      rules.remove(source + " " + destination);
    }

    /**
     * Adds, flips or removes; three in eight end as removed, so that wildcards and the default get
     * their say.
     */
    void change(String source, String destination) throws IOException {
      int dice = random.nextInt(8);
      if (dice < 5) {
        put(source, destination, dice % 2 == 0);
      } else if (rules.containsKey(source + " " + destination)) {
        remove(source, destination);
      }
    }

    /** What a destination is subject to, for telling policies apart and for messages. */
    String policyOf(String destination) {
      StringBuilder text = new StringBuilder();
      rules.forEach((names, allow) -> {
        boolean covers = names.endsWith(" " + destination) || names.endsWith(" *");
        if (covers && !names.startsWith(SENTINEL)) {
          text.append(allow ? "allow " : "deny ")
              .append(names.replace(destination, "it"))
              .append("; ");
        }
      });
      return text.toString();
    }

    String uri(String source) {
      return "spiffe://" + trustDomain + "/ns/default/dc/dc1/svc/" + source;
    }

    List<Intention> match(String by, String name) throws IOException {
      return MatchAnswers.decode(
          agent.api().require("GET", "/v1/connect/intentions/match?by=" + by + "&name=" + name, ""),
          name);
    }

    IntentionTable table(String destination, List<Intention> intentions) {
      return IntentionTable.compile(
          new Intention.Destination("default", "default", destination),
          intentions,
          defaultAllow ? DefaultDecision.ALLOW : DefaultDecision.DENY);
    }

    boolean decides(IntentionTable table, String source) {
      return table
          .decide(
              new ConsulId.Service(
                  TrustDomain.of(trustDomain), "default", "default", "dc1", source))
          .isAllowed();
    }
  }

  @ParameterizedTest(name = "default allow {0}, {1} different policies")
  @CsvSource({"true, 2000", "false, 600"})
  @Tag("T20")
  @Tag("T22")
  void everyoneDecidesRandomPoliciesAlike(boolean defaultAllow, int wanted) throws Exception {
    RealPeers.requireConsul();
    long seed = Long.getLong("mesh.it.seed", new Random().nextLong());
    Set<String> policies = new HashSet<>();
    int questions = 0;
    try (ConsulAgent agent = ConsulAgent.start(defaultAllow);
        EmbeddedPlane embedded = EmbeddedPlane.start(defaultAllow)) {
      Scene scene = new Scene(agent, embedded, defaultAllow, seed);
      List<String> destinations = new ArrayList<>();
      for (int i = 0; i < DESTINATIONS; i++) {
        destinations.add("db" + i);
      }
      for (int round = 0; round < wanted && policies.size() < wanted; round++) {
        shuffle(scene, destinations);
        boolean mark = round % 2 == 0;
        for (String destination : destinations) {
          scene.put(SENTINEL, destination, mark);
        }
        Map<String, List<Intention>> bySource = new HashMap<>();
        for (String source : allSources()) {
          bySource.put(source, scene.match("source", source));
        }
        for (String destination : destinations) {
          policies.add(scene.policyOf(destination));
          Cast.await(
              "the agent's cache for " + destination + " follows, seed " + seed,
              () -> agent.authorize(destination, scene.uri(SENTINEL)) == mark);
          questions += compare(scene, destination, bySource, seed);
        }
      }
    }
    assertThat(policies)
        .as("different policies in %s questions, seed %s", questions, seed)
        .hasSizeGreaterThanOrEqualTo(wanted);
    assertThat(questions)
        .as("questions about %s policies", policies.size())
        .isGreaterThanOrEqualTo(wanted * 5);
  }

  private static List<String> allSources() {
    List<String> all = new ArrayList<>(SOURCES);
    all.add(UNNAMED);
    return all;
  }

  private static void shuffle(Scene scene, List<String> destinations) throws IOException {
    List<String> withAny = new ArrayList<>(SOURCES);
    withAny.add("*");
    scene.change(withAny.get(scene.random.nextInt(withAny.size())), "*");
    for (String destination : destinations) {
      scene.change(withAny.get(scene.random.nextInt(withAny.size())), destination);
      scene.change(withAny.get(scene.random.nextInt(withAny.size())), destination);
    }
  }

  /** Asks for every source; returns how many. */
  private static int compare(
      Scene scene, String destination, Map<String, List<Intention>> bySource, long seed)
      throws IOException {
    IntentionTable inbound = scene.table(destination, scene.match("destination", destination));
    for (String source : allSources()) {
      boolean told = scene.agent.authorize(destination, scene.uri(source));
      String what =
          String.format(
              "%s to %s under %s (seed %d)",
              source, destination, scene.policyOf(destination), seed);
      assertThat(scene.decides(inbound, source)).as("our table for %s", what).isEqualTo(told);
      IntentionTable outbound = scene.table(destination, bySource.get(source));
      assertThat(scene.decides(outbound, source))
          .as("our table of the caller's side for %s", what)
          .isEqualTo(told);
      assertThat(scene.embedded.authorize(destination, scene.uri(source)))
          .as("the embedded plane for %s", what)
          .isEqualTo(told);
    }
    return SOURCES.size() + 1;
  }
}
