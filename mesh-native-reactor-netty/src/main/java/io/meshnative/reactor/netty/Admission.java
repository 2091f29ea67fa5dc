package io.meshnative.reactor.netty;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import org.jspecify.annotations.Nullable;

/**
 * A request that was let in, until its response has ended.
 *
 * <p>Invariant: the right is marked as gone before the transport is told to end, so that whatever
 * was read or written after {@link #withdrawn} had been asked went before the withdrawal.
 */
final class Admission implements Verdict {
  private final Runnable cut;
  private volatile @Nullable MeshAuthorizationException withdrawn;
  private volatile @Nullable RequestLease lease;
  private volatile boolean ended;

  /**
   * Made before the right is asked for.
   *
   * @param cut ends what carries the request; called from any thread
   */
  Admission(Runnable cut) {
    this.cut = cut;
  }

  void hold(RequestLease given) {
    lease = given;
    if (ended) {
      given.close();
    }
  }

  void withdraw(Decision.Denied denied) {
    withdrawn =
        new MeshAuthorizationException(
            "the right of a running request was withdrawn: " + denied.reason(), denied);
    if (!ended) {
      cut.run();
    }
  }

  /** Why the right is gone, null while it is there. */
  @Nullable MeshAuthorizationException withdrawn() {
    return withdrawn;
  }

  /** The response has ended. Idempotent. */
  void end() {
    ended = true;
    RequestLease held = lease;
    if (held != null) {
      held.close();
    }
  }
}
