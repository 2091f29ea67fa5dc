package io.meshnative.intention;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The intentions that are about one destination, in the order in which they decide.
 *
 * <p>The order is Consul's: the highest precedence first. The given number is trusted even where
 * the names would give another; Consul's servers compute it and sort by it. Equal numbers are put
 * in the order of the source's peer, partition, namespace and name, then the destination's
 * (reference: Consul §e.4).
 */
final class Coverage {
  private static final Comparator<Intention> ORDER =
      Comparator.comparingInt(Intention::precedence)
          .reversed()
          .thenComparing(intention -> intention.source().peer())
          .thenComparing(intention -> SourceIndex.partition(intention.source().partition()))
          .thenComparing(intention -> SourceIndex.namespace(intention.source().namespace()))
          .thenComparing(intention -> intention.source().name())
          .thenComparing(intention -> intention.destination().toString());

  private Coverage() {}

  /** Returns those that cover the destination, the one that decides first at the front. */
  static List<Intention> of(Intention.Destination destination, Collection<Intention> intentions) {
    String partition = fold(SourceIndex.partition(destination.partition()));
    String namespace = fold(SourceIndex.namespace(destination.namespace()));
    String name = fold(destination.name());
    List<Intention> covering = new ArrayList<>(intentions.size());
    for (Intention intention : intentions) {
      Intention.Destination rule = intention.destination();
      // A wildcard partition is no rule of Consul's; it counts as covering so that check() can
      // refuse it.
      if (covers(SourceIndex.partition(rule.partition()), partition)
          && covers(SourceIndex.namespace(rule.namespace()), namespace)
          && covers(rule.name(), name)) {
        covering.add(intention);
      }
    }
    covering.sort(ORDER);
    return covering;
  }

  private static boolean covers(String rule, String folded) {
    return rule.equals(Intention.WILDCARD) || rule.equals(folded) || fold(rule).equals(folded);
  }

  private static String fold(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  /**
   * Checks that the intention means something. What cannot match must not be skipped: it may be a
   * deny.
   */
  static void check(Intention intention) throws UnusableRuleException {
    if (!intention.defects().isEmpty()) {
      throw new UnusableRuleException(String.join("; ", intention.defects()));
    }
    Intention.Source source = intention.source();
    Intention.Destination destination = intention.destination();
    if (source.name().isEmpty() || destination.name().isEmpty()) {
      throw new UnusableRuleException("a name is empty");
    }
    if (source.partition().equals(Intention.WILDCARD)
        || destination.partition().equals(Intention.WILDCARD)
        || source.peer().equals(Intention.WILDCARD)) {
      throw new UnusableRuleException(
          "a partition or peer is a wildcard, which Consul does not define");
    }
    if (isExactInEveryNamespace(source.namespace(), source.name())
        || isExactInEveryNamespace(destination.namespace(), destination.name())) {
      throw new UnusableRuleException(
          "an exact name stands under a wildcard namespace, which Consul does not define");
    }
  }

  private static boolean isExactInEveryNamespace(String namespace, String name) {
    return namespace.equals(Intention.WILDCARD) && !name.equals(Intention.WILDCARD);
  }

  /**
   * Checks that two neighbours of the order do not say different things of the same source with the
   * same precedence: which one a server would follow is chance. Duplicates of different precedence
   * are normal, and the lower one is never reached.
   */
  static void checkNeighbours(Intention first, Intention second) throws UnusableRuleException {
    boolean sameRule =
        first.precedence() == second.precedence()
            && first.source().peer().equals(second.source().peer())
            && SourceIndex.partition(first.source().partition())
                .equals(SourceIndex.partition(second.source().partition()))
            && SourceIndex.namespace(first.source().namespace())
                .equals(SourceIndex.namespace(second.source().namespace()))
            && first.source().name().equals(second.source().name());
    boolean sameEffect =
        first.action().equals(second.action())
            && first.permissions().equals(second.permissions())
            && first.requiresJwt() == second.requiresJwt();
    if (sameRule && !sameEffect) {
      throw new UnusableRuleException(
          "another intention of the same source and precedence says something else: " + second);
    }
  }
}
