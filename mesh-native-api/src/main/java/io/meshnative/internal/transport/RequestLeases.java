package io.meshnative.internal.transport;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.TrustEpoch;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Objects;
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
  private static final Logger LOG = System.getLogger("io.meshnative.revocation");

  private static final Decision.Denied FAILED =
      PolicyCheck.refusal(Decision.Cause.EVALUATION_FAILED, "the decision failed");

  private final Publisher publisher;
  private final PolicyCheck check;
  private final Callbacks callbacks;
  private final Denials denials;
  private final Moment.Observer moments;

  RequestLeases(
      Publisher publisher,
      PolicyCheck check,
      Callbacks callbacks,
      Denials denials,
      Moment.Observer moments) {
    this.publisher = publisher;
    this.check = check;
    this.callbacks = callbacks;
    this.denials = denials;
    this.moments = moments;
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
    moments.at(Moment.REQUEST_DECIDED);
    Admitted lease = new Admitted(connection, peer, request, onWithdrawn);
    connection.leases().add(lease);
    moments.at(Moment.REQUEST_HELD);
    if (connection.isOver()) {
      lease.close();
      return null;
    }
    Published again = publisher.current();
    if (again != pair) {
      decision = judge(connection, peer, request, again);
    }
    moments.at(Moment.REQUEST_JUDGED);
    Decision.Denied early =
        decision instanceof Decision.Allowed allowed
            ? lease.open(allowed)
            : (Decision.Denied) decision;
    if (early != null) {
      lease.close();
      throw refused(peer, request, early, again);
    }
    denials.letIn(peer, request, lease.decision(), again);
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
      TrustEpoch epoch = check.liveEpoch(pair);
      check.current(connection.proof(), epoch);
      return check.inbound(peer.service(), request, pair, epoch);
    } catch (MeshException e) {
      return PolicyCheck.refusal(Decision.Cause.IDENTITY, String.valueOf(e.getMessage()))
          .of(request);
    } catch (RuntimeException | Error e) {
      return failed(e, request);
    }
  }

  private static Decision.Denied failed(Throwable e, HttpRequestView request) {
    try {
      return PolicyCheck.refusal(Decision.Cause.EVALUATION_FAILED, "the decision failed: " + e)
          .of(request);
    } catch (Error again) { // there is no memory left for the sentence
      return FAILED;
    }
  }

  /** Judges the requests of one connection; whatever one of them meets, the others are judged. */
  void sweep(LiveConnection connection, Published pair) {
    for (Admitted lease : connection.leases()) {
      try {
        sweep(connection, lease, pair);
      } catch (RuntimeException | Error e) {
        LOG.log(Level.WARNING, "ending the request " + lease.request + " failed", e);
      }
    }
  }

  /** A sweep that took its time may meet a request that a newer pair let in: the newest decides. */
  private void sweep(LiveConnection connection, Admitted lease, Published pair) {
    Decision decision = judge(connection, lease.peer, lease.request, pair);
    Published newest = publisher.current();
    if (newest != pair && decision instanceof Decision.Denied) {
      decision = judge(connection, lease.peer, lease.request, newest);
    }
    if (decision instanceof Decision.Denied denied && connection.leases().remove(lease)) {
      lease.withdraw(denied, newest);
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
        lease.withdraw(why.of(lease.request), publisher.current());
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
    /** Held by its connection, and not yet by who asked for it. */
    PENDING,
    OPEN,
    TOLD,
    CLOSED
  }

  /** One request. Who takes it out of its connection's set decides what becomes of it. */
  final class Admitted implements RequestLease {
    private final ProvenPeer peer;
    private final HttpRequestView request;
    private final Consumer<Decision.Denied> onWithdrawn;
    private final AtomicReference<State> state = new AtomicReference<>(State.PENDING);
    private volatile LiveConnection connection;
    private volatile Decision.@Nullable Allowed decision;
    private volatile Decision.@Nullable Denied early;

    private Admitted(
        LiveConnection connection,
        ProvenPeer peer,
        HttpRequestView request,
        Consumer<Decision.Denied> onWithdrawn) {
      this.connection = connection;
      this.peer = peer;
      this.request = request;
      this.onWithdrawn = onWithdrawn;
    }

    /** Returns why not, if a sweep has withdrawn the right already; null if the lease is open. */
    Decision.@Nullable Denied open(Decision.Allowed allowed) {
      decision = allowed;
      return state.compareAndSet(State.PENDING, State.OPEN) ? null : early;
    }

    @Override
    public Decision.Allowed decision() {
      return Objects.requireNonNull(decision, "only open leases are handed out");
    }

    @Override
    public void close() {
      state.set(State.CLOSED);
      connection.leases().remove(this);
    }

    /** Looks again when its turn comes: who has closed the lease by then is not told any more. */
    private void withdraw(Decision.Denied denied, Published pair) {
      early = denied;
      if (state.compareAndSet(State.PENDING, State.TOLD)) {
        return; // who asks is refused: that, and not a withdrawal, is what it is told
      }
      callbacks.execute(() -> {
        if (state.compareAndSet(State.OPEN, State.TOLD)) {
          onWithdrawn.accept(denied);
        }
      });
      denials.withdrawn(peer, request, denied, pair);
    }
  }
}
