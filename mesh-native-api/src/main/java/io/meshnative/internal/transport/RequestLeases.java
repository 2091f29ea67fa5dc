package io.meshnative.internal.transport;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.RequestLease;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** Requests that were admitted and still run; each is judged again at each publication. */
public final class RequestLeases {
  private final Publisher publisher;
  private final PolicyCheck check;
  private final Callbacks callbacks;
  private final Denials denials;
  private final Set<Admitted> open = ConcurrentHashMap.newKeySet();

  RequestLeases(Publisher publisher, PolicyCheck check, Callbacks callbacks, Denials denials) {
    this.publisher = publisher;
    this.check = check;
    this.callbacks = callbacks;
    this.denials = denials;
  }

  RequestLease admit(
      ProvenPeer peer, HttpRequestView request, Consumer<Decision.Denied> onWithdrawn)
      throws MeshAuthorizationException {
    Published pair = publisher.current();
    Decision decision = judge(peer, request, pair);
    if (decision instanceof Decision.Denied denied) {
      throw refused(peer, request, denied, pair);
    }
    Admitted lease = new Admitted(peer, request, (Decision.Allowed) decision, onWithdrawn);
    open.add(lease);
    Published again = publisher.current();
    if (again != pair && judge(peer, request, again) instanceof Decision.Denied denied) {
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

  private Decision judge(ProvenPeer peer, HttpRequestView request, Published pair) {
    try {
      check.current(peer.connection().proof(), check.liveEpoch(pair));
      return pair.policy().inbound().decide(peer.service(), request);
    } catch (MeshException e) {
      return PolicyCheck.refusal(String.valueOf(e.getMessage()));
    } catch (RuntimeException | Error e) {
      return PolicyCheck.refusal("the decision failed: " + e);
    }
  }

  void sweep(Published pair) {
    for (Admitted lease : open) {
      if (judge(lease.peer, lease.request, pair) instanceof Decision.Denied denied) {
        lease.withdraw(denied, pair);
      }
    }
  }

  private final class Admitted implements RequestLease {
    private final ProvenPeer peer;
    private final HttpRequestView request;
    private final Decision.Allowed decision;
    private final Consumer<Decision.Denied> onWithdrawn;
    private final AtomicBoolean ended = new AtomicBoolean();

    Admitted(
        ProvenPeer peer,
        HttpRequestView request,
        Decision.Allowed decision,
        Consumer<Decision.Denied> onWithdrawn) {
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
      ended.set(true);
      open.remove(this);
    }

    void withdraw(Decision.Denied denied, Published pair) {
      open.remove(this);
      if (ended.compareAndSet(false, true)) {
        callbacks.execute(() -> onWithdrawn.accept(denied));
        denials.withdrawn(peer, request, denied, pair);
      }
    }
  }
}
