package io.meshnative.testkit.internal;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which answers the agent has cached, as far as callers can see it: the first is a miss, later ones
 * are hits. Holds no answers, for every one is made of the present state anyway. Thread-safe.
 */
final class AgentCache {
  private static final Set<String> NOT_PART_OF_THE_KEY =
      Set.of("cached", "index", "wait", "token", "passing", "filter", "stale");

  private final Set<String> keys = ConcurrentHashMap.newKeySet();

  /** Whether the agent had it; from now on it has. A blocking call always is a miss (b.3). */
  boolean had(ApiRequest request) {
    TreeSet<String> parameters = new TreeSet<>();
    request
        .query()
        .forEach((name, values) -> {
          if (!NOT_PART_OF_THE_KEY.contains(name)) {
            parameters.add(name + "=" + values);
          }
        });
    // Another token is another entry (0.7).
    boolean fresh = keys.add(request.path() + "\0" + parameters + "\0" + request.token());
    return !fresh && request.index() == 0;
  }

  /** Whether it is there, without a look that would put it there. */
  boolean has(ApiRequest request) {
    return keys.stream()
        .anyMatch(
            key -> key.startsWith(request.path() + "\0") && key.endsWith("\0" + request.token()));
  }

  void clear() {
    keys.clear();
  }
}
