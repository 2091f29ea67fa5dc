package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What went wrong with a call, and what to do next: the texts for the person at three in the
 * morning.
 */
final class AgentFailure {
  private static final String NO_SERVERS = "no known consul servers";

  private AgentFailure() {}

  /** An answer other than 200, and what may be done about it besides failing. */
  static final class Refusal extends IOException {
    private static final long serialVersionUID = 1L;
    private final boolean tokenUnknown;
    private final boolean agentIsolated;
    private final ControlPlaneException failure;

    Refusal(boolean tokenUnknown, boolean agentIsolated, ControlPlaneException failure) {
      super(failure);
      this.tokenUnknown = tokenUnknown;
      this.agentIsolated = agentIsolated;
      this.failure = failure;
    }

    /** Whether another token may help. */
    boolean tokenUnknown() {
      return tokenUnknown;
    }

    /** Whether another agent may help: this one has lost its servers, or they their leader. */
    boolean agentIsolated() {
      return agentIsolated;
    }

    ControlPlaneException failure() {
      return failure;
    }
  }

  /**
   * The agent answered something other than 200.
   *
   * @param what method and path of the call
   * @param agent its address
   * @param line the first line of the body, made safe to show
   */
  static Refusal refused(String what, String agent, int status, String line, @Nullable String acl) {
    String text = line.toLowerCase(java.util.Locale.ROOT);
    boolean tokenUnknown = text.contains("acl not found");
    String missing = status == 403 && !tokenUnknown ? acl : null;
    String next =
        switch (status) {
          case 400 ->
              "the agent does not understand the call: a setting may not fit its edition or version"
                  + " (namespaces and partitions are for Consul Enterprise), or it is not HTTP that"
                  + " it expects";
          case 401 -> "ACLs are off on this agent; remove the token or turn them on";
          case 403 ->
              tokenUnknown
                  ? "the token is unknown, expired or revoked: check CONSUL_HTTP_TOKEN or the token"
                      + " file"
                  : "the token lacks "
                      + (acl == null ? "a right" : acl)
                      + "; a service identity of the service grants it";
          case 404 ->
              "the agent does not know this call or object: is this a Consul agent of 1.8 or"
                  + " newer?";
          case 429 -> "the agent limits the rate; the call is tried again later";
          case 301, 302, 303, 307, 308 ->
              "redirects are not followed, since they would carry the token elsewhere; give the"
                  + " agent's own address";
          default -> serverSide(text);
        };
    boolean isolated =
        status == 502
            || status == 503
            || status == 504
            || (status == 500 && (text.contains("no cluster leader") || text.contains(NO_SERVERS)));
    return new Refusal(
        tokenUnknown,
        isolated,
        new ControlPlaneException(
            what
                + ": expected 200 from the agent at "
                + agent
                + ", found "
                + status
                + (line.isEmpty() ? "" : " " + line)
                + "; "
                + next,
            status,
            missing,
            null));
  }

  private static String serverSide(String text) {
    if (text.contains("no cluster leader")) {
      return "the Consul servers have no leader now; the last good state goes on";
    }
    if (text.contains("no path to datacenter") || text.contains("remote dc has no server")) {
      return "the datacenter is not known or not reachable from this agent; check its name";
    }
    if (text.contains("connect must be enabled")) {
      return "the mesh is off: set connect { enabled = true } on the Consul servers";
    }
    if (text.contains(NO_SERVERS)) {
      return "the agent has lost its servers; the last good state goes on";
    }
    return "look into the agent's log; the last good state goes on";
  }

  /** The agent did not answer, or its answer broke off. */
  static ControlPlaneException unreachable(String what, String agent, IOException cause) {
    return new ControlPlaneException(
        what
            + ": expected an answer from the agent at "
            + agent
            + ", found "
            + cause.getClass().getSimpleName()
            + " "
            + Shown.quote(String.valueOf(cause.getMessage()))
            + "; is the agent running, and is CONSUL_HTTP_ADDR its HTTP address?",
        0,
        null,
        cause);
  }

  /** The agent answered 200 and something that cannot be used. */
  static ControlPlaneException unusable(
      String what, String expectedAndFound, @Nullable Throwable cause) {
    return new ControlPlaneException(
        what + ": " + expectedAndFound + "; the last good state goes on", 200, null, cause);
  }
}
