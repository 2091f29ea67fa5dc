package io.meshnative.intention;

import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** One layer-7 rule, compiled, together with the decision that it leads to. */
final class CompiledPermission {
  private final @Nullable PathMatcher path;
  private final HeaderMatcher[] headers;
  private final String[] methods;
  private final Decision outcome;

  private CompiledPermission(
      @Nullable PathMatcher path, HeaderMatcher[] headers, String[] methods, Decision outcome) {
    this.path = path;
    this.headers = headers;
    this.methods = methods;
    this.outcome = outcome;
  }

  static CompiledPermission compile(Intention intention, int index) throws UnusableRuleException {
    Permission permission = intention.permissions().get(index);
    PathMatcher path =
        permission.path().isPresent()
            ? PathMatcher.compile(permission.path().get(), permission.action())
            : null;
    List<Permission.HeaderCondition> conditions = permission.headers();
    HeaderMatcher[] headers = new HeaderMatcher[conditions.size()];
    for (int i = 0; i < headers.length; i++) {
      headers[i] = HeaderMatcher.compile(conditions.get(i), permission.action());
    }
    return new CompiledPermission(
        path,
        headers,
        permission.methods().toArray(new String[0]),
        outcome(intention, permission, index));
  }

  private static Decision outcome(Intention intention, Permission permission, int index) {
    OptionalInt number = OptionalInt.of(index);
    if (permission.action() == Intention.Action.DENY) {
      return new Decision.Denied(
          Decision.Cause.PERMISSION,
          new Reason("permission " + index + " of the intention ", intention, " says deny"),
          intention,
          number,
          null);
    }
    if (permission.requiresJwt() || intention.requiresJwt()) {
      return new Decision.Denied(
          Decision.Cause.JWT_UNSUPPORTED,
          new Reason(
              "permission " + index + " of the intention ",
              intention,
              " says allow, but asks for a JWT, and none can be verified here"),
          intention,
          number,
          null);
    }
    return new Decision.Allowed(
        new Reason("permission " + index + " of the intention ", intention, " says allow"),
        intention,
        number);
  }

  /** Whether all parts that the permission gives match. */
  boolean matches(HttpRequestView request) {
    if (!matchesMethod(request.method())) {
      return false;
    }
    if (path != null && !path.matches(request)) {
      return false;
    }
    for (HeaderMatcher header : headers) {
      if (!header.matches(request)) {
        return false;
      }
    }
    return true;
  }

  private boolean matchesMethod(String method) {
    if (methods.length == 0) {
      return true;
    }
    for (String candidate : methods) {
      if (candidate.equals(method)) {
        return true;
      }
    }
    return false;
  }

  /** Returns what the permission says of a request that matches; a denial names no request yet. */
  Decision outcome() {
    return outcome;
  }
}
