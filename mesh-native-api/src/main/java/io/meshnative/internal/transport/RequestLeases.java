package io.meshnative.internal.transport;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Requests that were admitted and still run; each is judged again at each publication.
 *
 * <p>Invariant: an open lease is held by a live connection and ends with it, so that one which its
 * application forgets costs nothing longer than that. A lease is held before the pair is read for
 * the last time, as a connection is.
 */
final class RequestLeases {
  private final Publisher publisher;
  private final PolicyCheck check;
  private final Callbacks callbacks;
  private final Denials denials;

  RequestLeases(Publisher publisher, PolicyCheck check, Callbacks callbacks, Denials denials) {
    this.publisher = publisher;
    this.check = check;
    this.callbacks = callbacks;
    this.denials = denials;
  }

  /** Null if the connection has ended meanwhile. */
  @Nullable RequestLease admit(
      LiveConnection connection,
      ProvenPeer peer,
      HttpRequestView request,
      Consumer<Decision.Denied> onWithdrawn)
      throws MeshAuthorizationException {
    Published pair = publisher.current();
    Decision decision = judge(connection, peer, request, pair);
    if (decision instanceof Decision.Denied denied) {
      throw refused(peer, request, denied, pair);
    }
    Admitted lease =
        new Admitted(connection, peer, request, (Decision.Allowed) decision, onWithdrawn);
    connection.leases().add(lease);
    if (connection.isOver()) {
      lease.close();
      return null;
    }
    Published again = publisher.current();
    if (again != pair
        && judge(connection, peer, request, again) instanceof Decision.Denied denied) {
      lease.close();
      throw refused(peer, request, denied, again);
    }
    denials.letIn(peer, request, lease.decision, again);
    return lease;
  }

  private MeshAuthorizationException refused(
      ProvenPeer peer, HttpRequestView request, Decision.Denied denied, Published pair) {
    MeshAuthorizationException refusal = check.denied(peer.id(), denied, pair);
    denials.request(peer, request, refusal);
    return refusal;
  }

  private Decision judge(
      LiveConnection connection, ProvenPeer peer, HttpRequestView request, Published pair) {
    try {
      check.current(connection.proof(), check.liveEpoch(pair));
      return pair.policy().inbound().decide(peer.service(), request);
    } catch (MeshException e) {
      return PolicyCheck.refusal(String.valueOf(e.getMessage()));
    } catch (RuntimeException | Error e) {
      return PolicyCheck.refusal("the decision failed: " + e);
    }
  }

  /** Judges the requests of one connection. */
  void sweep(LiveConnection connection, Published pair) {
    for (Admitted lease : connection.leases()) {
      if (judge(connection, lease.peer, lease.request, pair) instanceof Decision.Denied denied
          && connection.leases().remove(lease)) {
        lease.withdraw(denied, pair);
      }
    }
  }

  /**
   * The connection is over, and its requests with it.
   *
   * @param why what to tell those whose right was withdrawn; null if the transport has just ended
   * @param another finds another live connection of the same caller: a peer that is known by its
   *     leaf alone may be asking there
   */
  void end(
      LiveConnection connection,
      Decision.@Nullable Denied why,
      Supplier<@Nullable LiveConnection> another) {
    for (Admitted lease : connection.leases()) {
      if (connection.leases().remove(lease)
          && !(lease.peer.byLeaf() && moved(lease, another))
          && why != null) {
        lease.withdraw(why, publisher.current());
      }
    }
  }

  private boolean moved(Admitted lease, Supplier<@Nullable LiveConnection> another) {
    for (LiveConnection to = another.get(); to != null; to = another.get()) {
      lease.connection = to;
      to.leases().add(lease);
      if (lease.state.get() == State.CLOSED) {
        to.leases().remove(lease);
        return true;
      }
      if (!to.isOver() || !to.leases().remove(lease)) {
        sweep(to, publisher.current()); // a sweep may have been there before the lease was
        return true;
      }
    }
    return false;
  }

  private enum State {
    OPEN,
    TOLD,
    CLOSED
  }

  /** One request. Who takes it out of its connection's set decides what becomes of it. */
  final class Admitted implements RequestLease {
    private final ProvenPeer peer;
    private final HttpRequestView request;
    private final Decision.Allowed decision;
    private final Consumer<Decision.Denied> onWithdrawn;
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    private volatile LiveConnection connection;

    private Admitted(
        LiveConnection connection,
        ProvenPeer peer,
        HttpRequestView request,
        Decision.Allowed decision,
        Consumer<Decision.Denied> onWithdrawn) {
      this.connection = connection;
      this.peer = peer;
      this.request = request;
      this.decision = decision;
      this.onWithdrawn = onWithdrawn;
    }

    @Override
    public Decision.Allowed decision() {
      return decision;
    }

    @Override
    public void close() {
      state.set(State.CLOSED);
      connection.leases().remove(this);
    }

    /** Looks again when its turn comes: who has closed the lease by then is not told any more. */
    private void withdraw(Decision.Denied denied, Published pair) {
      callbacks.execute(() -> {
        if (state.compareAndSet(State.OPEN, State.TOLD)) {
          onWithdrawn.accept(denied);
        }
      });
      denials.withdrawn(peer, request, denied, pair);
    }
  }
}
