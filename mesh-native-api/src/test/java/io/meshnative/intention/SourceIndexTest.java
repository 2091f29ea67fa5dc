package io.meshnative.intention;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.ConsulId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is resolved while compiling equals asking one intention after the other. */
class SourceIndexTest {
  private static final List<String> PEERS = List.of("", "", "", "east");
  private static final List<String> PARTITIONS = List.of("default", "blue");
  private static final List<String> NAMESPACES = List.of("default", "shop", "*");
  private static final List<String> NAMES = List.of("web", "batch", "*");

  @Test
  void T22_theWinnerIsTheFirstByPrecedenceWhoseSourceMatches() {
    Random random = new Random(20261124);
    for (int round = 0; round < 5000; round++) {
      List<Intention> intentions = intentions(random);
      IntentionTable table = IntentionTable.compile(Rules.API, intentions, DefaultDecision.DENY);
      for (String partition : List.of("default", "blue", "green")) {
        for (String namespace : List.of("default", "shop", "bank")) {
          for (String name : List.of("web", "batch", "ops")) {
            ConsulId.Service caller = Rules.caller(partition, namespace, name);
            assertThat(table.match(caller))
                .as("%s under %s", caller, intentions)
                .isEqualTo(oneAfterTheOther(intentions, caller));
          }
        }
      }
    }
  }

  private static Optional<Intention> oneAfterTheOther(
      List<Intention> intentions, ConsulId.Service caller) {
    return intentions.stream()
        .sorted(Comparator.comparingInt(Intention::precedence).reversed())
        .filter(intention -> matches(intention.source(), caller))
        .findFirst();
  }

  private static boolean matches(Intention.Source source, ConsulId.Service caller) {
    return source.peer().isEmpty()
        && source.partition().equals(caller.partition())
        && (source.namespace().equals("*") || source.namespace().equals(caller.namespace()))
        && (source.name().equals("*") || source.name().equals(caller.service()));
  }

  /** Precedences are a permutation: they need not follow the names, and there are no ties. */
  private static List<Intention> intentions(Random random) {
    List<Integer> precedences = new ArrayList<>(List.of(1, 2, 3, 4, 5, 6, 7, 8, 9));
    Collections.shuffle(precedences, random);
    List<Intention> intentions = new ArrayList<>();
    for (int i = random.nextInt(9); i > 0; i--) {
      String namespace = pick(NAMESPACES, random);
      Intention.Source source =
          new Intention.Source(
              pick(PEERS, random),
              pick(PARTITIONS, random),
              namespace,
              namespace.equals("*") ? "*" : pick(NAMES, random));
      Intention.Action action =
          random.nextBoolean() ? Intention.Action.ALLOW : Intention.Action.DENY;
      intentions.add(
          Rules.withPrecedence(precedences.get(i), Rules.rule(source, Rules.API, action)));
    }
    return intentions;
  }

  private static String pick(List<String> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }
}
