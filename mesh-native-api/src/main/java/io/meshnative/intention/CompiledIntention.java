package io.meshnative.intention;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * One intention, compiled: everything that it can decide is decided already, or is one walk away.
 */
final class CompiledIntention {
  private final Optional<Intention> intention;
  private final CompiledPermission[] permissions;
  private final Decision connection;
  private final Decision otherwise;

  private CompiledIntention(
      Intention intention,
      CompiledPermission[] permissions,
      Decision connection,
      Decision otherwise) {
    this.intention = Optional.of(intention);
    this.permissions = permissions;
    this.connection = connection;
    this.otherwise = otherwise;
  }

  static CompiledIntention compile(Intention intention, DefaultDecision defaultDecision)
      throws UnusableRuleException {
    if (intention.permissions().isEmpty()) {
      Decision connection = connection(intention);
      return new CompiledIntention(intention, new CompiledPermission[0], connection, connection);
    }
    CompiledPermission[] permissions = new CompiledPermission[intention.permissions().size()];
    for (int i = 0; i < permissions.length; i++) {
      try {
        permissions[i] = CompiledPermission.compile(intention, i);
      } catch (UnusableRuleException e) {
        throw new UnusableRuleException("permission " + i + ": " + e.getMessage());
      }
    }
    Decision connection =
        new Decision.Denied(
            Decision.Cause.NEEDS_REQUEST,
            new Reason(
                "the intention ",
                intention,
                " judges HTTP requests, and this is a connection without any"),
            intention,
            OptionalInt.empty(),
            null);
    return new CompiledIntention(
        intention, permissions, connection, otherwise(intention, defaultDecision));
  }

  private static Decision connection(Intention intention) {
    if (intention.action().orElseThrow() == Intention.Action.DENY) {
      return new Decision.Denied(
          Decision.Cause.INTENTION,
          Reason.of("matched the intention ", intention),
          intention,
          OptionalInt.empty(),
          null);
    }
    if (intention.requiresJwt()) {
      return tokenMissing(intention);
    }
    return new Decision.Allowed(
        Reason.of("matched the intention ", intention), intention, OptionalInt.empty());
  }

  /** No permission matches: the default decides, not a lower intention (reference: Consul §e.8). */
  private static Decision otherwise(Intention intention, DefaultDecision defaultDecision) {
    if (defaultDecision == DefaultDecision.ALLOW && intention.requiresJwt()) {
      return tokenMissing(intention);
    }
    return Defaults.decision("no permission matches of the intention ", intention, defaultDecision);
  }

  private static Decision.Denied tokenMissing(Intention intention) {
    return new Decision.Denied(
        Decision.Cause.JWT_UNSUPPORTED,
        new Reason("the intention ", intention, " asks for a JWT, and none can be verified here"),
        intention,
        OptionalInt.empty(),
        null);
  }

  /** Returns the intention; the same instance each time. */
  Optional<Intention> intention() {
    return intention;
  }

  /** Whether requests have to be judged one by one. */
  boolean needsRequest() {
    return permissions.length > 0;
  }

  /** Whether nothing but another policy could ever let the source through. */
  boolean definitelyDenies() {
    return connection instanceof Decision.Denied denied
        && denied.cause() == Decision.Cause.INTENTION
        && !intention.orElseThrow().requiresJwt();
  }

  /** Decides without a request. */
  Decision decide() {
    return connection;
  }

  /** Decides on a request: the first permission that matches, in the order of the intention. */
  Decision decide(HttpRequestView request) {
    for (CompiledPermission permission : permissions) {
      if (permission.matches(request)) {
        return about(permission.outcome(), request);
      }
    }
    return about(otherwise, request);
  }

  private static Decision about(Decision decision, HttpRequestView request) {
    return decision instanceof Decision.Denied denied ? denied.of(request) : decision;
  }
}
