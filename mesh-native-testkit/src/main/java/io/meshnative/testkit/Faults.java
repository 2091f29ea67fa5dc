package io.meshnative.testkit;

import io.meshnative.testkit.internal.AgentServer;
import io.meshnative.testkit.internal.FaultSwitches.CannedStatus;
import io.meshnative.testkit.internal.Plane;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What can go wrong with a control plane, to be switched on and off by a test.
 *
 * <pre>{@code
 * plane.faults().down();              // the agent is gone
 * // ... the client must live on ...
 * plane.faults().up();
 *
 * plane.faults().status("/v1/health/", 500, "No cluster leader");
 * plane.faults().reset();             // everything is well again
 * }</pre>
 *
 * <p>Faults add up. Each method takes effect for requests that come afterwards; what it says of
 * calls that block already is said with it. Thread-safe; no method waits for a client.
 */
public final class Faults {
  private final Plane plane;
  private final AgentServer server;

  Faults(Plane plane, AgentServer server) {
    this.plane = plane;
    this.server = server;
  }

  /**
   * Cuts every connection and resets each new one as soon as it is made, until {@link #up()}. The
   * port stays taken, so that nobody else can have it in the meantime: a client sees its connection
   * end before any answer, not the refusal of a dead process.
   */
  public Faults down() {
    server.down();
    return this;
  }

  /** Ends {@link #down()}. */
  public Faults up() {
    server.up();
    return this;
  }

  /** Takes requests and answers none until {@link #resume()}. Calls that block already go on. */
  public Faults hang() {
    plane.faults.hang(true);
    return this;
  }

  /** Ends {@link #hang()}: the requests that were held are answered now. */
  public Faults resume() {
    plane.faults.hang(false);
    plane.index.nudge();
    return this;
  }

  /** Answers every request this much later; {@link Duration#ZERO} ends it, also for those held. */
  public Faults delay(Duration value) {
    if (value.isNegative()) {
      throw new IllegalArgumentException("a delay cannot be negative: " + value);
    }
    plane.faults.delay(value);
    plane.index.nudge();
    return this;
  }

  /**
   * Has the servers without a leader, or with one again. The agent lives on: its own services and
   * checks, and roots and leaves that it has handed out before, are answered; all else, and what
   * waits for it already, fails with 500 and {@code No cluster leader}. A real agent takes about
   * seven seconds to say so; {@link #delay} does too.
   */
  public Faults noLeader(boolean on) {
    plane.faults.leaderless(on);
    if (on) {
      plane.index.releaseAll();
    }
    return this;
  }

  /**
   * Answers requests whose path starts like this with a status and a plain text, as Consul writes
   * its errors. Calls that block already are not touched; {@link EmbeddedControlPlane#cut()} ends
   * them.
   *
   * @param pathPrefix for example {@code /v1/connect/intentions/match}
   */
  public Faults status(String pathPrefix, int status, String text) {
    if (!pathPrefix.startsWith("/")) {
      throw new IllegalArgumentException("a path starts with /, unlike '" + pathPrefix + "'");
    }
    plane.faults.addStatus(new CannedStatus(pathPrefix, status, text));
    return this;
  }

  /** Ends {@link #status} for this prefix. */
  public Faults clearStatus(String pathPrefix) {
    plane.faults.removeStatus(pathPrefix);
    return this;
  }

  /** Ends each connection in the middle of the body, or not. */
  public Faults truncateBodies(boolean on) {
    plane.faults.truncate(on);
    return this;
  }

  /**
   * Writes the body of each answer one byte at a time with this pause before each; {@link
   * Duration#ZERO} ends it for answers that come afterwards. A client that only bounds the silence
   * between two reads waits for ever.
   */
  public Faults slowDrip(Duration pause) {
    if (pause.isNegative()) {
      throw new IllegalArgumentException("a pause cannot be negative: " + pause);
    }
    plane.faults.drip(pause);
    return this;
  }

  /** Answers with the right status and headers and a body that is not JSON, or not. */
  public Faults garbageBodies(boolean on) {
    plane.faults.garble(on);
    return this;
  }

  /**
   * Puts the clock of the agent ahead, or behind with a negative value, and makes its leaves anew:
   * their validity, their renewal, TTL checks and the life of tokens follow it. {@link
   * Duration#ZERO} ends it.
   */
  public Faults clockSkew(Duration skew) {
    plane.settings.clock().skew(skew);
    plane.ca.reissueLeaves();
    return this;
  }

  /**
   * Has the agent refuse every call to its servers with 429 and no text, as {@code limits.rpc_rate}
   * does; those that block already go on.
   */
  public Faults rateLimit(boolean on) {
    plane.faults.rateLimited(on);
    return this;
  }

  /** Has the CA sign nothing: new leaves are refused with 429, old ones are not renewed. */
  public Faults signingLimit(boolean on) {
    plane.faults.signingLimited(on);
    plane.index.nudge();
    return this;
  }

  /** Refuses to change the CA's configuration, as while another change is under way. */
  public Faults caReconfiguring(boolean on) {
    plane.faults.reconfiguring(on);
    return this;
  }

  /** Answers every leaf request with a private key that is not the leaf's. Wakes leaf watches. */
  public Faults leafWithOtherKey(boolean on) {
    plane.ca.foreignKeys(on);
    return this;
  }

  /** Shows an index that is lower with every answer, or the true one. */
  public Faults indexBackwards(boolean on) {
    plane.faults.fallingIndex(on);
    return this;
  }

  /**
   * Shows no intentions at a low index, as a cluster that was restored from nothing, or shows them
   * again. Blocked queries on intentions return. {@code authorize} decides by the default.
   */
  public Faults emptyIntentions(boolean on) {
    plane.intentions.hide(on);
    return this;
  }

  /** Answers every leaf request with a leaf of this service; null ends it. Wakes leaf watches. */
  public Faults leafForOtherService(@Nullable String service) {
    plane.ca.impostor(service);
    return this;
  }

  /**
   * While on, the list of roots stays as it is, and after a rotation leaves of the new root come
   * before the root does. Switching it off shows the roots.
   */
  public Faults leafBeforeRoot(boolean on) {
    plane.ca.withholdRoots(on);
    return this;
  }

  /** Ends every fault. */
  public Faults reset() {
    plane.faults.clearStatuses();
    return up().resume()
        .noLeader(false)
        .rateLimit(false)
        .signingLimit(false)
        .caReconfiguring(false)
        .delay(Duration.ZERO)
        .truncateBodies(false)
        .garbageBodies(false)
        .slowDrip(Duration.ZERO)
        .clockSkew(Duration.ZERO)
        .leafWithOtherKey(false)
        .indexBackwards(false)
        .emptyIntentions(false)
        .leafForOtherService(null)
        .leafBeforeRoot(false);
  }
}
