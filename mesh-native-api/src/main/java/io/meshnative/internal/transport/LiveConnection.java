package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.PeerAuthorizer;
import io.meshnative.RetirePolicy;
import io.meshnative.Withdrawal;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.Terms;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A connection whose peer was let through. Holds its engine weakly, so that a server which drops an
 * engine without closing it leaks nothing here; and, where we own the transport, what ends that:
 * the collector may take its time to find a socket that nobody closed.
 */
final class LiveConnection extends WeakReference<MeshEngine> {
  private final Terms terms;
  private final @Nullable String remoteHost;
  private final int remotePort;
  private final Instant since;
  private final Instant ownNotAfter;
  private final Instant retireAt;
  private final LiveConnections registry;
  private final Runnable transportEnd;
  private final AtomicReference<@Nullable Withdrawal> withdrawn = new AtomicReference<>();
  private final List<Tracker> trackers = new CopyOnWriteArrayList<>();
  private final Set<RequestLeases.Admitted> leases = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean counted = new AtomicBoolean();
  private volatile PeerProof proof;
  private volatile boolean retiring;
  private volatile boolean over;

  /** One callback, run at most once. */
  static final class Tracker {
    private final AtomicReference<@Nullable Consumer<Withdrawal>> close;

    Tracker(Consumer<Withdrawal> close) {
      this.close = new AtomicReference<>(close);
    }

    @Nullable Consumer<Withdrawal> take() {
      return close.getAndSet(null);
    }
  }

  LiveConnection(
      MeshEngine engine,
      PeerProof proof,
      Instant since,
      RetirePolicy retirePolicy,
      RandomGenerator random,
      LiveConnections registry,
      ReferenceQueue<MeshEngine> dropped) {
    super(engine, dropped);
    WorkloadIdentity own = engine.epoch().identity();
    this.terms = engine.terms();
    this.transportEnd = engine.transportEnd();
    this.remoteHost = engine.getPeerHost();
    this.remotePort = engine.getPeerPort();
    this.proof = proof;
    this.since = since;
    this.ownNotAfter = own.notAfter();
    this.retireAt = retireAt(own, proof, retirePolicy, random);
    this.registry = registry;
  }

  /** Somewhere in the life that both ends' certificates share. */
  private static Instant retireAt(
      WorkloadIdentity own, PeerProof peer, RetirePolicy policy, RandomGenerator random) {
    Instant from = own.notBefore().isAfter(peer.notBefore()) ? own.notBefore() : peer.notBefore();
    Instant to = own.notAfter().isBefore(peer.notAfter()) ? own.notAfter() : peer.notAfter();
    double fraction =
        policy.from() == policy.to()
            ? policy.from()
            : random.nextDouble(policy.from(), policy.to());
    return from.plusMillis((long) (Math.max(0, Duration.between(from, to).toMillis()) * fraction));
  }

  /** Whether this registry let it in: clients do not vouch for each other's peers. */
  boolean isJudgedBy(LiveConnections other) {
    return registry == other;
  }

  Terms terms() {
    return terms;
  }

  /** Whether something besides the published pair decides over it: a gate, closed at any time. */
  boolean isGated() {
    return terms instanceof Terms.Inbound in && in.gate().isPresent();
  }

  /** Whether code of the application decides over it, which may be slow, or worse. */
  boolean asksApplication() {
    return terms instanceof Terms.Inbound in && in.authorizer() != PeerAuthorizer.intentions();
  }

  PeerProof proof() {
    return proof;
  }

  /** The same peer, proven again under the roots held now. */
  void proof(PeerProof newer) {
    proof = newer;
  }

  /** The peer's address, empty where it is not known. */
  Optional<String> remote() {
    return remoteHost == null ? Optional.empty() : Optional.of(remoteHost + ":" + remotePort);
  }

  Instant since() {
    return since;
  }

  /**
   * When the connection is cut at the latest: the end of the earlier of both sides' certificates.
   */
  Instant notAfter() {
    Instant peers = proof.notAfter();
    return peers.isBefore(ownNotAfter) ? peers : ownNotAfter;
  }

  /** When the own certificates end under which the handshake was done; nothing prolongs that. */
  Instant ownNotAfter() {
    return ownNotAfter;
  }

  /** True once, when the connection has grown old enough to be asked to end. */
  boolean startsRetiring(Instant now) {
    if (retiring || now.isBefore(retireAt)) {
      return false;
    }
    retiring = true;
    return true;
  }

  /** Whether it has grown old, or has ended. */
  boolean isRetiring() {
    return retiring || over || withdrawn.get() != null;
  }

  MeshEvent.Direction direction() {
    return terms instanceof Terms.Outbound
        ? MeshEvent.Direction.OUTBOUND
        : MeshEvent.Direction.INBOUND;
  }

  Optional<Destination> destination() {
    return terms instanceof Terms.Outbound out ? Optional.of(out.destination()) : Optional.empty();
  }

  Optional<Withdrawal> withdrawn() {
    return Optional.ofNullable(withdrawn.get());
  }

  /** Whether its end is still to be counted; only the first who asks is told so. */
  boolean countEnd() {
    return counted.compareAndSet(false, true);
  }

  /** Marks the right as gone; false if it was already. */
  boolean markWithdrawn(Withdrawal withdrawal) {
    return withdrawn.compareAndSet(null, withdrawal);
  }

  void cut(MeshException reason) {
    MeshEngine engine = get();
    if (engine != null) {
      engine.cut(reason);
    } else {
      transportEnd.run();
    }
  }

  /** Ends the transport of a connection whose engine nobody holds any more. */
  void endDropped() {
    transportEnd.run();
  }

  Tracker track(Consumer<Withdrawal> close) {
    Tracker tracker = new Tracker(close);
    trackers.add(tracker);
    return tracker;
  }

  void untrack(Tracker tracker) {
    tracker.take();
    trackers.remove(tracker);
  }

  List<Tracker> trackers() {
    return trackers;
  }

  /** It has left the registry: nothing is to be held by it any more. */
  void markOver() {
    over = true;
  }

  boolean isOver() {
    return over;
  }

  /** The requests that were admitted on it and still run. */
  Set<RequestLeases.Admitted> leases() {
    return leases;
  }
}
