package io.meshnative.discovery;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;

/**
 * See {@link LoadBalancer#rendezvous(String)}. The score of an endpoint is {@code -weight / ln(h)},
 * where {@code h} is the hash of key and endpoint between 0 and 1: the highest wins, with chances
 * in proportion to the weights.
 */
final class Rendezvous implements LoadBalancer {
  private final String stickyKey;

  Rendezvous(String stickyKey) {
    this.stickyKey = Objects.requireNonNull(stickyKey, "stickyKey");
  }

  @Override
  public void arrange(List<Candidate> candidates, long turn, RandomGenerator random) {
    long keyHash = hash(0xcbf29ce484222325L, stickyKey);
    List<Scored> scored = new ArrayList<>(candidates.size());
    for (Candidate candidate : candidates) {
      scored.add(new Scored(candidate, score(keyHash, candidate.endpoint())));
    }
    scored.sort(Comparator.comparingDouble(Scored::score).reversed());
    for (int i = 0; i < scored.size(); i++) {
      candidates.set(i, scored.get(i).candidate());
    }
  }

  private record Scored(Candidate candidate, double score) {}

  /** All clients agree on it: nothing of it depends on the process. */
  private static double score(long keyHash, Endpoint endpoint) {
    long hash = mix(hash(hash(keyHash, endpoint.instance()), endpoint.address()));
    double between0And1 = ((hash >>> 11) + 0.5) * 0x1.0p-53;
    return -endpoint.weight() / Math.log(between0And1);
  }

  /** FNV-1a over the characters, with a separator that no text holds. */
  private static long hash(long start, String text) {
    long hash = start;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * 0x100000001b3L;
    }
    return (hash ^ 0x1ffffL) * 0x100000001b3L;
  }

  /** The finalizer of SplitMix64: without it the high bits of short texts hardly differ. */
  private static long mix(long z) {
    long mixed = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
    return mixed ^ (mixed >>> 31);
  }

  /** Names the policy, not the key: it may be a customer's. */
  @Override
  public String toString() {
    return "rendezvous";
  }
}
