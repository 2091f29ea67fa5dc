package io.meshnative.intention;

import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What the policy says of a connection or a request, and why. Only an {@link IntentionTable} makes
 * decisions; callers cannot construct one.
 *
 * <p>Immutable and thread-safe. The table hands out the same {@link Allowed} instance each time:
 * allowing allocates nothing.
 */
public sealed interface Decision {

  /**
   * Returns whether the connection or request may go on.
   *
   * @return true only for {@link Allowed}
   */
  boolean isAllowed();

  /**
   * Returns why, for people.
   *
   * @return one line with the rule or the default that decided
   */
  String reason();

  /**
   * Returns the rule that decided.
   *
   * @return the intention, empty where the default or a defect decided
   */
  Optional<Intention> intention();

  /** Why something is denied, for programs. */
  enum Cause {
    /** An intention says deny. */
    INTENTION("intention"),
    /** A permission of a layer-7 intention says deny. */
    PERMISSION("permission"),
    /** No intention, or no permission of the one that does, matches, and the default is deny. */
    DEFAULT("default"),
    /** No intention, or no permission of the one that does, matches; the default is not known. */
    DEFAULT_UNKNOWN("default-unknown"),
    /** The intention has layer-7 permissions, and there is no request to judge. */
    NEEDS_REQUEST("needs-request"),
    /** The intention requires a JWT, which is not supported yet. */
    JWT_UNSUPPORTED("jwt-unsupported"),
    /**
     * The destination's intentions hold a field or value that this version does not know, a rule
     * that does not compile, or two rules that contradict each other.
     */
    DEFECTIVE_POLICY("defective-policy"),
    /** No policy has been loaded yet, or the one held is too old to be used. */
    NO_POLICY("no-policy"),
    /** The evaluation itself failed. */
    EVALUATION_FAILED("evaluation-failed");

    private final String id;

    Cause(String id) {
      this.id = id;
    }

    /**
     * Returns the cause as a refused peer may see it: in the body or a header of a 403, in the
     * status of a gRPC call. It names the kind of denial and nothing of the policy; the rule stands
     * in {@link Decision#reason()}, which is for the own log.
     *
     * @return lower-case words joined with {@code -}, such as {@code needs-request}; never changes
     *     for a cause
     */
    public String id() {
      return id;
    }
  }

  /** The connection or request may go on. */
  final class Allowed implements Decision {
    private final Reason reason;
    private final @Nullable Intention intention;
    private final OptionalInt permission;

    Allowed(Reason reason, @Nullable Intention intention, OptionalInt permission) {
      this.reason = reason;
      this.intention = intention;
      this.permission = permission;
    }

    @Override
    public boolean isAllowed() {
      return true;
    }

    @Override
    public String reason() {
      return reason.toString();
    }

    @Override
    public Optional<Intention> intention() {
      return Optional.ofNullable(intention);
    }

    /**
     * Returns which permission of the intention decided.
     *
     * @return its index, from 0; empty for a layer-4 decision or the default
     */
    public OptionalInt permissionIndex() {
      return permission;
    }

    /** Returns "allowed" and the reason. */
    @Override
    public String toString() {
      return "allowed: " + reason;
    }
  }

  /** The connection or request is refused. */
  final class Denied implements Decision {
    private final Cause cause;
    private final Reason reason;
    private final @Nullable Intention intention;
    private final OptionalInt permission;
    private final @Nullable HttpRequestView request;

    Denied(
        Cause cause,
        Reason reason,
        @Nullable Intention intention,
        OptionalInt permission,
        @Nullable HttpRequestView request) {
      this.cause = cause;
      this.reason = reason;
      this.intention = intention;
      this.permission = permission;
      this.request = request;
    }

    @Override
    public boolean isAllowed() {
      return false;
    }

    /**
     * Returns why, for programs.
     *
     * @return the cause
     */
    public Cause cause() {
      return cause;
    }

    @Override
    public String reason() {
      return reason.toString();
    }

    @Override
    public Optional<Intention> intention() {
      return Optional.ofNullable(intention);
    }

    /**
     * Returns which permission of the intention decided.
     *
     * @return its index, from 0; empty for a layer-4 decision or the default
     */
    public OptionalInt permissionIndex() {
      return permission;
    }

    /**
     * Returns the canonical request that was judged.
     *
     * @return the request, empty for a layer-4 decision
     */
    public Optional<HttpRequestView> request() {
      return Optional.ofNullable(request);
    }

    /** Returns the same denial of this request. */
    Denied of(HttpRequestView judged) {
      return new Denied(cause, reason, intention, permission, judged);
    }

    /** Returns "denied", the reason, and the request if one was judged. */
    @Override
    public String toString() {
      return "denied: " + reason + (request == null ? "" : "; the request was " + request);
    }
  }
}
