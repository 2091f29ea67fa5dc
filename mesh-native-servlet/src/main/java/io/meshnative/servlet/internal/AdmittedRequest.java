package io.meshnative.servlet.internal;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshPeer;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A request that was let in, until its response has ended.
 *
 * <p>Invariant: the right is marked as gone before anybody is told, so that whoever reads or writes
 * after {@link #requireRight} had passed did so before the withdrawal. Who is to be told may come
 * later than the withdrawal, and is told then.
 */
public final class AdmittedRequest implements Verdict {
  /** The request attribute that holds it; only the library's code can make one. */
  public static final String ATTRIBUTE = "io.meshnative.servlet.admitted";

  private final MeshPeer peer;
  private final AtomicReference<@Nullable Consumer<MeshAuthorizationException>> end =
      new AtomicReference<>();
  private volatile @Nullable MeshAuthorizationException withdrawn;
  private volatile @Nullable RequestLease lease;
  private volatile boolean ended;

  AdmittedRequest(MeshPeer peer) {
    this.peer = peer;
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
    tell();
  }

  private void tell() {
    MeshAuthorizationException reason = withdrawn;
    if (reason != null && !ended) {
      Consumer<MeshAuthorizationException> action = end.getAndSet(null);
      if (action != null) {
        action.accept(reason);
      }
    }
  }

  /** Who asks. */
  public MeshPeer peer() {
    return peer;
  }

  /**
   * Says how to end the request when its right is withdrawn; at once if it was already. Called once
   * at most, on a thread of the library or on this one.
   */
  public void onWithdrawn(Consumer<MeshAuthorizationException> action) {
    end.set(action);
    tell();
  }

  /** Why the right is gone, null while it is there. */
  public @Nullable MeshAuthorizationException withdrawn() {
    return withdrawn;
  }

  /** Called before each read and each write of the application. */
  public void requireRight() throws MeshAuthorizationException {
    MeshAuthorizationException reason = withdrawn;
    if (reason != null) {
      // A new one each time: the stack trace is that of the read or write.
      throw new MeshAuthorizationException(String.valueOf(reason.getMessage()), reason.decision());
    }
  }

  /** The response has ended. Idempotent. */
  public void end() {
    ended = true;
    end.set(null);
    RequestLease held = lease;
    if (held != null) {
      held.close();
    }
  }
}
