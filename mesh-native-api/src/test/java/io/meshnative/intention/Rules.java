package io.meshnative.intention;

import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustDomain;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Short names for the rules and requests of the tests. */
final class Rules {
  static final Intention.Destination API = destination("api");
  private static final TrustDomain DOMAIN = TrustDomain.of("one.consul");

  private Rules() {}

  static Intention.Destination destination(String name) {
    return new Intention.Destination("default", "default", name);
  }

  static Intention.Source source(String name) {
    return new Intention.Source("", "default", "default", name);
  }

  static ConsulId.Service caller(String name) {
    return new ConsulId.Service(DOMAIN, "default", "default", "dc1", name);
  }

  static ConsulId.Service caller(String partition, String namespace, String name) {
    return new ConsulId.Service(DOMAIN, partition, namespace, "dc1", name);
  }

  static Intention allow(String source, String destination) {
    return rule(source(source), destination(destination), Intention.Action.ALLOW);
  }

  static Intention deny(String source, String destination) {
    return rule(source(source), destination(destination), Intention.Action.DENY);
  }

  static Intention rule(
      Intention.Source source, Intention.Destination destination, Intention.Action action) {
    return new Intention(
        source,
        destination,
        Optional.of(action),
        List.of(),
        precedence(source, destination),
        false,
        "",
        List.of());
  }

  static Intention permissions(String source, String destination, Permission... permissions) {
    return new Intention(
        source(source),
        destination(destination),
        Optional.empty(),
        List.of(permissions),
        precedence(source(source), destination(destination)),
        false,
        "",
        List.of());
  }

  static Intention withPrecedence(int precedence, Intention intention) {
    return new Intention(
        intention.source(),
        intention.destination(),
        intention.action(),
        intention.permissions(),
        precedence,
        intention.requiresJwt(),
        intention.description(),
        intention.defects());
  }

  static Intention withJwt(Intention intention) {
    return new Intention(
        intention.source(),
        intention.destination(),
        intention.action(),
        intention.permissions(),
        intention.precedence(),
        true,
        intention.description(),
        intention.defects());
  }

  static Intention withDefect(String defect, Intention intention) {
    return new Intention(
        intention.source(),
        intention.destination(),
        intention.action(),
        intention.permissions(),
        intention.precedence(),
        intention.requiresJwt(),
        intention.description(),
        List.of(defect));
  }

  /** Consul's number (reference: Consul §e.4). */
  private static int precedence(Intention.Source source, Intention.Destination destination) {
    int highest = 3 * (1 + exactness(destination.namespace(), destination.name()));
    return highest - (2 - exactness(source.namespace(), source.name()));
  }

  private static int exactness(String namespace, String name) {
    if (namespace.equals(Intention.WILDCARD)) {
      return 0;
    }
    return name.equals(Intention.WILDCARD) ? 1 : 2;
  }

  static Permission allowPath(Permission.PathKind kind, String path) {
    return onPath(Intention.Action.ALLOW, kind, path);
  }

  static Permission denyPath(Permission.PathKind kind, String path) {
    return onPath(Intention.Action.DENY, kind, path);
  }

  private static Permission onPath(Intention.Action action, Permission.PathKind kind, String path) {
    return new Permission(
        action, Optional.of(new Permission.PathCondition(kind, path)), List.of(), List.of(), false);
  }

  static Permission onHeader(Intention.Action action, Permission.HeaderCondition... conditions) {
    return new Permission(action, Optional.empty(), List.of(conditions), List.of(), false);
  }

  static Permission onMethods(Intention.Action action, String... methods) {
    return new Permission(action, Optional.empty(), List.of(), List.of(methods), false);
  }

  static Permission everything(Intention.Action action) {
    return new Permission(action, Optional.empty(), List.of(), List.of(), false);
  }

  static Permission withJwt(Permission permission) {
    return new Permission(
        permission.action(), permission.path(), permission.headers(), permission.methods(), true);
  }

  static Permission.HeaderCondition header(String name, Permission.HeaderKind kind, String value) {
    return new Permission.HeaderCondition(name, kind, value, false, false);
  }

  static Permission.HeaderCondition inverted(
      String name, Permission.HeaderKind kind, String value) {
    return new Permission.HeaderCondition(name, kind, value, true, false);
  }

  static HttpRequestView get(String target) {
    return request("GET", target, Map.of());
  }

  static HttpRequestView request(String method, String target, Map<String, List<String>> headers) {
    try {
      return HttpRequestView.of(method, target, List.of("api.example"), headers);
    } catch (MalformedRequestException e) {
      throw new AssertionError("expected a request that is well-formed", e);
    }
  }

  static IntentionTable table(DefaultDecision defaultDecision, Intention... intentions) {
    return IntentionTable.compile(API, List.of(intentions), defaultDecision);
  }

  static Decision.Cause cause(Decision decision) {
    if (decision instanceof Decision.Denied denied) {
      return denied.cause();
    }
    throw new AssertionError("expected a denial, found " + decision);
  }
}
