package io.meshnative.tests;

import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.intention.Permission.HeaderCondition;
import io.meshnative.intention.Permission.HeaderKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Draws requests about a permission set: each is made to meet one of its permissions, and then most
 * often changed in one place or two.
 */
final class L7Requests {
  private final Random random;
  private final List<Intention> intentions;

  L7Requests(Random random, List<Intention> intentions) {
    this.random = random;
    this.intentions = intentions.stream().filter(i -> !i.permissions().isEmpty()).toList();
  }

  L7Cases.Request next() {
    if (intentions.isEmpty()) {
      return about(L7Words.pick(L7Cases.CALLERS, random), everything());
    }
    Intention intention = L7Words.pick(intentions, random);
    String source = intention.source().name();
    boolean any = source.equals(Intention.WILDCARD) || random.nextInt(8) == 0;
    return about(
        any ? L7Words.pick(L7Cases.CALLERS, random) : source,
        L7Words.pick(intention.permissions(), random));
  }

  private static Permission everything() {
    return new Permission(
        Intention.Action.ALLOW,
        java.util.Optional.of(L7Words.anything()),
        List.of(),
        List.of(),
        false);
  }

  private L7Cases.Request about(String caller, Permission permission) {
    String path =
        permission
            .path()
            .map(condition -> L7Words.meeting(condition, random))
            .orElseGet(() -> L7Words.anyPath(random));
    String method =
        permission.methods().isEmpty()
            ? L7Cases.method(random)
            : L7Words.pick(permission.methods(), random);
    String host = host(permission);
    List<L7Cases.Line> lines = lines(permission);
    switch (random.nextInt(20)) {
      case 0, 1, 2, 3 -> path = L7Words.near(path, random);
      case 4, 5 -> method = L7Cases.method(random);
      case 6, 7 -> lines.removeIf(line -> random.nextBoolean());
      case 8, 9 -> replaceOne(lines);
      case 10, 11 -> repeatOne(lines);
      case 12 -> host = host.toUpperCase(Locale.ROOT);
      case 13 -> path = L7Words.ambiguous(path, random);
      default -> {}
    }
    return new L7Cases.Request(caller, method, path, host, List.copyOf(lines));
  }

  private String host(Permission permission) {
    for (HeaderCondition condition : permission.headers()) {
      boolean whole = condition.kind() == HeaderKind.EXACT && !condition.invert();
      if (condition.name().equals("host") && whole) {
        return condition.value().toLowerCase(Locale.ROOT);
      }
    }
    return random.nextInt(5) == 0 ? L7Words.anyValue("host", random) : L7Words.HOST;
  }

  private List<L7Cases.Line> lines(Permission permission) {
    List<L7Cases.Line> lines = new ArrayList<>();
    for (HeaderCondition condition : permission.headers()) {
      String name = condition.name().toLowerCase(Locale.ROOT);
      boolean absent = condition.kind() == HeaderKind.PRESENT && condition.invert();
      boolean there = lines.stream().anyMatch(line -> line.name().equals(name));
      if (!absent && !there && !name.equals("host")) {
        lines.add(new L7Cases.Line(name, L7Words.meeting(condition, random)));
      }
    }
    if (random.nextInt(3) == 0) {
      String name = L7Words.pick(L7Words.headerNames(), random);
      if (lines.stream().noneMatch(line -> line.name().equals(name))) {
        lines.add(new L7Cases.Line(name, L7Words.anyValue(name, random)));
      }
    }
    return lines;
  }

  private void replaceOne(List<L7Cases.Line> lines) {
    if (!lines.isEmpty()) {
      int at = random.nextInt(lines.size());
      String name = lines.get(at).name();
      lines.set(at, new L7Cases.Line(name, L7Words.anyValue(name, random)));
    }
  }

  /** A second line under a name, before or after the first. */
  private void repeatOne(List<L7Cases.Line> lines) {
    if (!lines.isEmpty()) {
      int at = random.nextInt(lines.size());
      String name = lines.get(at).name();
      int place = at + random.nextInt(2);
      lines.add(place, new L7Cases.Line(name, L7Words.anyValue(name, random)));
    }
  }
}
