package io.meshnative.benchmarks;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.intention.MalformedRequestException;
import io.meshnative.intention.Permission;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Rules of one service, and questions all over them, every one of which is allowed. The same for
 * every side of a comparison.
 *
 * @param shape what a rule is
 * @param rules how many
 */
public record RuleSet(Shape shape, int rules) {
  /** What a rule is. */
  public enum Shape {
    /** An intention of layer 4, each about another caller. */
    INTENTIONS,
    /** A permission of the one intention of one caller, each about another path and GET. */
    PERMISSIONS
  }

  /** A power of two: the questions that take turns. */
  static final int QUESTIONS = 1024;

  static final String SERVICE = "callee";
  static final TrustDomain DOMAIN = TrustDomain.of("11111111-2222-3333-4444-555555555555.consul");

  /** Headers as a plain client sends them; no rule asks for one. */
  static final Map<String, List<String>> HEADERS =
      Map.of(
          "accept", List.of("*/*"),
          "accept-encoding", List.of("gzip"),
          "user-agent", List.of("okhttp/5"),
          "x-request-id", List.of("0f6f8f8e-7a3b-4a5e-9f5e-0a1b2c3d4e5f"));

  /** Spreads the questions over the rules, by a step that shares no factor with their number. */
  int ruleOf(int question) {
    return (int) ((long) question * 7919 % rules);
  }

  String callerOf(int rule) {
    return shape == Shape.INTENTIONS ? "caller-" + rule : "caller";
  }

  String prefixOf(int rule) {
    return "/service-" + rule + "/";
  }

  String pathOf(int rule) {
    return prefixOf(rule) + "orders/42";
  }

  IntentionTable table() {
    return IntentionTable.compile(
        new Intention.Destination("default", "default", SERVICE),
        intentions(),
        DefaultDecision.DENY);
  }

  private List<Intention> intentions() {
    if (shape == Shape.PERMISSIONS) {
      return List.of(intention("caller", Optional.empty(), permissions()));
    }
    List<Intention> intentions = new ArrayList<>();
    for (int i = 0; i < rules; i++) {
      intentions.add(intention(callerOf(i), Optional.of(Intention.Action.ALLOW), List.of()));
    }
    return intentions;
  }

  private List<Permission> permissions() {
    List<Permission> permissions = new ArrayList<>();
    for (int i = 0; i < rules; i++) {
      permissions.add(
          new Permission(
              Intention.Action.ALLOW,
              Optional.of(new Permission.PathCondition(Permission.PathKind.PREFIX, prefixOf(i))),
              List.of(),
              List.of("GET"),
              false));
    }
    return permissions;
  }

  private static Intention intention(
      String source, Optional<Intention.Action> action, List<Permission> permissions) {
    return new Intention(
        new Intention.Source("", "default", "default", source),
        new Intention.Destination("default", "default", SERVICE),
        action,
        permissions,
        9,
        false,
        "",
        List.of());
  }

  static ConsulId.Service id(String caller) {
    return new ConsulId.Service(DOMAIN, "default", "default", "dc1", caller);
  }

  static HttpRequestView view(String path) {
    try {
      return HttpRequestView.of("GET", path, List.of(SERVICE), HEADERS);
    } catch (MalformedRequestException e) {
      throw new IllegalStateException(e);
    }
  }
}
