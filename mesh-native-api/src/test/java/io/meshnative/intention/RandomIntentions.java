package io.meshnative.intention;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Random policies of the service {@code api}, and the questions that tell them apart. */
final class RandomIntentions {
  static final List<String> CALLERS = List.of("web", "batch", "ops", "nobody");

  /** Every path with each way of saying who one is. */
  static final List<HttpRequestView> REQUESTS = requests();

  private static final List<String> SOURCES = List.of("web", "batch", "*", "*", "ops");
  private static final List<String> DESTINATIONS = List.of("api", "*", "other", "API");

  private RandomIntentions() {}

  private static List<String> paths() {
    return List.of("/", "/a", "/a/b", "/b", "/admin");
  }

  private static List<HttpRequestView> requests() {
    List<HttpRequestView> requests = new ArrayList<>();
    for (String path : paths()) {
      for (List<String> role : List.of(List.of("user"), List.of("user", "admin"))) {
        requests.add(Rules.request("GET", path, Map.of("x-role", role)));
      }
      requests.add(Rules.request("PUT", path, Map.of()));
    }
    return List.copyOf(requests);
  }

  /** Draws up to four intentions; two may contradict each other. */
  static List<Intention> of(Random random) {
    List<Intention> intentions = new ArrayList<>();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      intentions.add(one(random));
    }
    return intentions;
  }

  private static Intention one(Random random) {
    String source = source(random);
    String destination = destination(random);
    return switch (random.nextInt(3)) {
      case 0 -> Rules.allow(source, destination);
      case 1 -> Rules.deny(source, destination);
      default ->
          Rules.permissions(
              source,
              destination,
              permission(random.nextBoolean(), random),
              permission(random.nextBoolean(), random));
    };
  }

  static String source(Random random) {
    return pick(SOURCES, random);
  }

  static String destination(Random random) {
    return pick(DESTINATIONS, random);
  }

  static Permission permission(boolean deny, Random random) {
    Intention.Action action = deny ? Intention.Action.DENY : Intention.Action.ALLOW;
    return switch (random.nextInt(4)) {
      case 0 ->
          deny
              ? Rules.denyPath(Permission.PathKind.PREFIX, pick(paths(), random))
              : Rules.allowPath(Permission.PathKind.PREFIX, pick(paths(), random));
      case 1 ->
          Rules.onHeader(action, Rules.inverted("x-role", Permission.HeaderKind.EXACT, "admin"));
      case 2 -> Rules.onMethods(action, random.nextBoolean() ? "GET" : "PUT");
      default -> Rules.everything(action);
    };
  }

  private static String pick(List<String> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }
}
