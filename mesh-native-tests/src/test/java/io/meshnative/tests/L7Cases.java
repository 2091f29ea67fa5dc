package io.meshnative.tests;

import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.MalformedRequestException;
import io.meshnative.intention.Permission;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;

/**
 * Random (permission set, default, request) triples, the same for every oracle: what Consul accepts
 * as intentions of the service {@code api}, and requests that hit a rule of theirs or just miss it.
 *
 * <p>The same seed gives the same cases on every machine and JDK.
 */
final class L7Cases {
  static final String SERVICE = "api";
  static final List<String> CALLERS = List.of("web", "batch", "ops", "nobody");

  private static final List<String> METHODS =
      List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS");

  private L7Cases() {}

  /**
   * One permission set under one default, and what is asked of it.
   *
   * @param number from 0
   * @param byDefault what happens where no intention, or no permission of it, matches
   * @param intentions about {@value #SERVICE} and {@code *}, in no order
   * @param requests in the order in which they were drawn
   */
  record Policy(
      int number, DefaultDecision byDefault, List<Intention> intentions, List<Request> requests) {

    /** Returns the triples of this policy. */
    Stream<Triple> triples() {
      return requests.stream().map(request -> new Triple(this, request));
    }
  }

  /** One question. */
  record Triple(Policy policy, Request request) {
    @Override
    public String toString() {
      return request
          + " under policy "
          + policy.number()
          + ", default "
          + policy.byDefault()
          + ", "
          + policy.intentions().stream().map(L7Cases::told).toList();
    }
  }

  /**
   * A request as it goes over the network.
   *
   * @param caller the name of the service that asks
   * @param headers the lines in order, {@code Host} not among them
   */
  record Request(String caller, String method, String target, String host, List<Line> headers) {

    /** The canonical request; refused with 400 where there is none. */
    HttpRequestView view() throws MalformedRequestException {
      Map<String, List<String>> fields = new LinkedHashMap<>();
      for (Line line : headers) {
        fields.computeIfAbsent(line.name(), name -> new ArrayList<>()).add(line.value());
      }
      return HttpRequestView.of(method, target, List.of(host), fields);
    }

    /** Returns the path as a proxy sees it that normalises nothing: the target before the query. */
    String rawPath() {
      int query = target.indexOf('?');
      return query < 0 ? target : target.substring(0, query);
    }

    /** Returns the values sent under a name, in order. */
    List<String> values(String name) {
      return headers.stream()
          .filter(line -> line.name().equalsIgnoreCase(name))
          .map(Line::value)
          .toList();
    }
  }

  /** One header line. */
  record Line(String name, String value) {}

  /**
   * Draws policies and the requests for each.
   *
   * @param seed what is drawn depends on nothing else
   * @param policies how many permission sets
   * @param requests how many requests for each
   */
  static List<Policy> draw(long seed, int policies, int requests) {
    List<Policy> drawn = new ArrayList<>();
    Random seeds = new Random(seed);
    for (int number = 0; number < policies; number++) {
      Random random = new Random(seeds.nextLong());
      List<Intention> intentions = intentions(random);
      DefaultDecision byDefault =
          random.nextBoolean() ? DefaultDecision.ALLOW : DefaultDecision.DENY;
      L7Requests asking = new L7Requests(random, intentions);
      drawn.add(
          new Policy(
              number,
              byDefault,
              intentions,
              Stream.generate(asking::next).limit(requests).toList()));
    }
    return drawn;
  }

  /** The intention as a config entry's {@code Sources} element, for messages. */
  static String told(Intention intention) {
    return intention.source().name()
        + " => "
        + intention.destination().name()
        + " "
        + intention.action().map(Enum::name).orElseGet(() -> told(intention.permissions()));
  }

  private static String told(List<Permission> permissions) {
    List<String> all = new ArrayList<>();
    for (Permission permission : permissions) {
      StringBuilder text = new StringBuilder(permission.action().name());
      permission
          .path()
          .ifPresent(p -> text.append(' ').append(p.kind()).append(' ').append(p.value()));
      permission
          .headers()
          .forEach(h ->
              text.append(' ')
                  .append(h.invert() ? "not " : "")
                  .append(h.name())
                  .append(' ')
                  .append(h.kind())
                  .append(' ')
                  .append(h.value())
                  .append(h.ignoreCase() ? " (any letter case)" : ""));
      if (!permission.methods().isEmpty()) {
        text.append(' ').append(permission.methods());
      }
      all.add(text.toString());
    }
    return all.toString();
  }

  // ---- intentions ----

  private static List<Intention> intentions(Random random) {
    List<Intention> drawn = new ArrayList<>();
    for (String source : List.of("web", "batch", "ops", Intention.WILDCARD)) {
      if (random.nextInt(5) < 3) {
        boolean layer7 = random.nextInt(5) > 0;
        drawn.add(layer7 ? permissions(source, random) : plain(source, SERVICE, random));
      }
      if (random.nextInt(6) == 0) {
        drawn.add(plain(source, Intention.WILDCARD, random)); // Consul forbids permissions there
      }
    }
    return List.copyOf(drawn);
  }

  private static Intention plain(String source, String destination, Random random) {
    return intention(source, destination, Optional.of(action(random)), List.of());
  }

  private static Intention permissions(String source, Random random) {
    List<Permission> permissions = new ArrayList<>();
    int count = 1 + random.nextInt(5);
    for (int i = 0; i < count; i++) {
      permissions.add(permission(random));
    }
    return intention(source, SERVICE, Optional.empty(), permissions);
  }

  private static Intention intention(
      String source,
      String destination,
      Optional<Intention.Action> action,
      List<Permission> permissions) {
    int precedence = destination.equals(Intention.WILDCARD) ? 6 : 9;
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", destination),
        action,
        permissions,
        source.equals(Intention.WILDCARD) ? precedence - 1 : precedence,
        false,
        "",
        List.of());
  }

  private static Intention.Action action(Random random) {
    return random.nextBoolean() ? Intention.Action.ALLOW : Intention.Action.DENY;
  }

  /** Consul refuses an empty one: there is a path, a header or a method in each. */
  private static Permission permission(Random random) {
    Optional<Permission.PathCondition> path =
        random.nextInt(4) < 3 ? Optional.of(L7Words.path(random)) : Optional.empty();
    List<Permission.HeaderCondition> headers = new ArrayList<>();
    int conditions = Math.max(0, random.nextInt(5) - 2);
    for (int i = 0; i < conditions; i++) {
      headers.add(L7Words.header(random));
    }
    boolean bare = path.isEmpty() && headers.isEmpty();
    List<String> methods = bare || random.nextInt(4) == 0 ? methods(random) : List.of();
    return new Permission(action(random), path, headers, methods, false);
  }

  private static List<String> methods(Random random) {
    List<String> some = new ArrayList<>();
    for (String method : METHODS) {
      if (random.nextInt(3) == 0) {
        some.add(method);
      }
    }
    return some.isEmpty() ? List.of("GET") : some;
  }

  /** A method that no rule names, and one in the wrong letter case, among the usual. */
  static String method(Random random) {
    return switch (random.nextInt(12)) {
      case 0 -> "PURGE";
      case 1 -> METHODS.get(random.nextInt(METHODS.size())).toLowerCase(Locale.ROOT);
      case 2, 3, 4, 5 -> METHODS.get(random.nextInt(METHODS.size()));
      default -> "GET";
    };
  }
}
