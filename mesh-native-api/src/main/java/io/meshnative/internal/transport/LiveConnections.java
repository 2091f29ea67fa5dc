package io.meshnative.internal.transport;

import io.meshnative.IdentityExpiredException;
import io.meshnative.Lease;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.MeshPeer;
import io.meshnative.MeshSnapshot;
import io.meshnative.PeerAuthorizer;
import io.meshnative.PeerIdentityException;
import io.meshnative.RequestGate;
import io.meshnative.RequestLease;
import io.meshnative.RetirePolicy;
import io.meshnative.Withdrawal;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.MeshSession;
import io.meshnative.internal.tls.PeerAuthority;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TrustEpoch;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The live connections, and the decisions that let them in and end them.
 *
 * <p>Invariant: a connection is in the registry before the pair is read for the last time in {@link
 * #admit}, and a publication swaps the pair before it sweeps the registry. So a withdrawal that
 * happens in between is seen by one of the two; none slips through.
 */
public final class LiveConnections implements PeerAuthority {
  private static final Logger LOG = System.getLogger("io.meshnative.revocation");

  private final Publisher publisher;
  private final PolicyCheck check;
  private final RetirePolicy retirePolicy;
  private final RandomGenerator random;
  private final Callbacks callbacks;
  private final Consumer<MeshEvent> events;
  private final Retirements retirements;
  private final RequestLeases requests;

  private final Set<LiveConnection> live = ConcurrentHashMap.newKeySet();
  private final Map<X509Certificate, Set<LiveConnection>> byLeaf = new ConcurrentHashMap<>();
  private final ReferenceQueue<MeshEngine> dropped = new ReferenceQueue<>();

  public LiveConnections(
      Publisher publisher,
      PolicyCheck check,
      RetirePolicy retirePolicy,
      RandomGenerator random,
      Executor callbacks,
      Consumer<MeshEvent> events) {
    this.publisher = publisher;
    this.check = check;
    this.retirePolicy = retirePolicy;
    this.random = random;
    this.callbacks = new Callbacks(callbacks);
    this.events = events;
    this.retirements = new Retirements(this.callbacks);
    this.requests = new RequestLeases(publisher, check, this.callbacks);
    publisher.onPublished(this::sweep);
  }

  // ---- PeerAuthority ----

  @Override
  public void require(Terms terms, PeerProof proof) throws MeshException {
    preview(terms, proof, publisher.current());
  }

  @Override
  public MeshPeer admit(MeshEngine engine, PeerProof proof) throws MeshException {
    Published pair = publisher.current();
    Instant now = check.now();
    Instant ownNotAfter = engine.epoch().identity().notAfter();
    if (now.isAfter(ownNotAfter)) {
      throw new IdentityExpiredException(
          "expected a handshake under a live identity, found one that began under "
              + engine.epoch().identity().id()
              + " of before, which ended at "
              + ownNotAfter
              + "; connect again",
          ownNotAfter);
    }
    LiveConnection connection =
        new LiveConnection(
            engine, proof, now, ownNotAfter, retireAt(engine.epoch(), proof), this, dropped);
    ProvenPeer peer = decide(connection, pair);
    add(connection);
    try {
      Published again = publisher.current();
      // A gate is no part of the pair: it may have been closed since, by a sweep that did not see
      // us yet.
      if (again != pair || connection.isGated()) {
        peer = decide(connection, again);
      }
      Optional<Withdrawal> gone = connection.withdrawn();
      if (gone.isPresent()) {
        throw gone.get().reason();
      }
      return peer;
    } catch (MeshException | RuntimeException | Error e) {
      remove(connection);
      throw e;
    }
  }

  @Override
  public void release(MeshEngine engine) {
    if (engine.peer() instanceof ProvenPeer peer) {
      remove(peer.connection());
    }
  }

  @Override
  public void refused(MeshEngine engine, MeshException reason) {
    boolean outbound = engine.terms() instanceof Terms.Outbound;
    PeerProof proof = engine.proof();
    Optional<SpiffeId> peer = proof == null ? idOf(reason) : Optional.of(proof.id());
    Optional<String> remote =
        engine.getPeerHost() == null
            ? Optional.empty()
            : Optional.of(engine.getPeerHost() + ":" + engine.getPeerPort());
    events.accept(
        new MeshEvent.Denied(
            check.now(),
            outbound ? MeshEvent.Direction.OUTBOUND : MeshEvent.Direction.INBOUND,
            peer,
            remote,
            PeerText.oneLine(reason.getMessage())));
  }

  private static Optional<SpiffeId> idOf(MeshException reason) {
    try {
      return reason instanceof PeerIdentityException identity
          ? identity.actual().map(SpiffeId::parse)
          : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // what was found is no id; the message shows it
    }
  }

  // ---- deciding ----

  /** Judges a live connection under one pair; keeps a newer proof in it, where there is one. */
  private ProvenPeer decide(LiveConnection connection, Published pair) throws MeshException {
    TrustEpoch epoch = check.liveEpoch(pair);
    PeerProof shown = check.current(connection.proof(), epoch);
    connection.proof(shown);
    if (connection.terms() instanceof Terms.Outbound out) {
      Decision decision = check.outbound(out.destination(), shown, pair, epoch);
      return new ProvenPeer(connection, epoch.expected(out.destination()), decision);
    }
    Terms.Inbound in = (Terms.Inbound) connection.terms();
    ConsulId.Service caller = check.requireService(shown);
    Decision decision = check.inbound(caller, pair);
    ProvenPeer peer = new ProvenPeer(connection, caller, decision);
    if (!isForRequests(decision, in) && !in.authorizer().isAuthorized(peer, decision)) {
      throw check.denied(
          shown.id(),
          decision instanceof Decision.Denied denied
              ? denied
              : PolicyCheck.refusal("the listener's authorizer refuses " + shown.id()));
    }
    return peer;
  }

  /**
   * Judges before there is a connection; a listener's own authorizer is asked only once there is
   * one.
   */
  private void preview(Terms terms, PeerProof proof, Published pair) throws MeshException {
    TrustEpoch epoch = check.liveEpoch(pair);
    PeerProof shown = check.current(proof, epoch);
    if (terms instanceof Terms.Outbound out) {
      check.outbound(out.destination(), shown, pair, epoch);
      return;
    }
    Terms.Inbound in = (Terms.Inbound) terms;
    Decision decision = check.inbound(check.requireService(shown), pair);
    if (decision instanceof Decision.Denied denied
        && in.authorizer() == PeerAuthorizer.intentions()
        && !isForRequests(decision, in)) {
      throw check.denied(shown.id(), denied);
    }
  }

  private static boolean isForRequests(Decision decision, Terms.Inbound in) {
    return decision instanceof Decision.Denied denied
        && denied.cause() == Decision.Cause.NEEDS_REQUEST
        && in.gate().map(RequestGate::isArmed).orElse(false);
  }

  // ---- the registry ----

  /**
   * The index first: only what is among the live is swept and removed, from both. In the other
   * order a sweep in between would leave the entry in the index for ever.
   */
  private void add(LiveConnection connection) {
    byLeaf.compute(
        connection.proof().leaf(),
        (leaf, held) -> {
          Set<LiveConnection> set = held == null ? ConcurrentHashMap.newKeySet() : held;
          set.add(connection);
          return set;
        });
    live.add(connection);
    purge();
  }

  private void remove(LiveConnection connection) {
    if (live.remove(connection)) {
      byLeaf.computeIfPresent(
          connection.proof().leaf(),
          (leaf, held) -> {
            held.remove(connection);
            return held.isEmpty() ? null : held;
          });
    }
  }

  private void purge() {
    for (Reference<? extends MeshEngine> gone = dropped.poll();
        gone != null;
        gone = dropped.poll()) {
      remove((LiveConnection) gone);
    }
  }

  private Instant retireAt(TrustEpoch own, PeerProof peer) {
    Instant from = latest(own.identity().notBefore(), peer.notBefore());
    Instant to =
        own.identity().notAfter().isBefore(peer.notAfter())
            ? own.identity().notAfter()
            : peer.notAfter();
    Duration life = Duration.between(from, to);
    double fraction =
        retirePolicy.from() == retirePolicy.to()
            ? retirePolicy.from()
            : random.nextDouble(retirePolicy.from(), retirePolicy.to());
    return from.plusMillis((long) (Math.max(0, life.toMillis()) * fraction));
  }

  private static Instant latest(Instant a, Instant b) {
    return a.isAfter(b) ? a : b;
  }

  // ---- withdrawing ----

  /**
   * Judges every live connection and request again. Runs on the publishing thread; blocks on
   * nothing of ours. Connections whose listener asks code of the application come last, so that it
   * delays nobody else.
   */
  public void sweep(Published pair) {
    sweep(pair, false);
    requests.sweep(pair);
    retirements.sweep(destination -> refusalOf(destination, pair));
    sweep(pair, true);
    purge();
  }

  private void sweep(Published pair, boolean asksApplication) {
    for (LiveConnection connection : live) {
      if (connection.asksApplication() == asksApplication) {
        judge(connection, pair);
      }
    }
  }

  /** Whatever one connection's decision or ending meets, the others are judged too. */
  private void judge(LiveConnection connection, Published pair) {
    try {
      MeshException reason = reasonAgainst(connection, pair);
      if (reason != null) {
        withdraw(connection, reason);
      }
    } catch (RuntimeException e) {
      LOG.log(
          Level.WARNING,
          "ending the connection with " + connection.proof().id() + " failed; it is cut",
          e);
    }
  }

  private @Nullable MeshException reasonAgainst(LiveConnection connection, Published pair) {
    try {
      decide(connection, pair);
      return null;
    } catch (MeshException e) {
      return e;
    } catch (Throwable e) { // an authorizer may fail by an Error too
      return new PeerIdentityException(
          "the decision failed, so the connection is cut", "a decision", null, e);
    }
  }

  private @Nullable MeshException refusalOf(Destination destination, Published pair) {
    try {
      check.requireDialable(destination, pair, check.liveEpoch(pair));
      return null;
    } catch (io.meshnative.MeshNotReadyException e) {
      return null; // nothing was ever dialled
    } catch (MeshException e) {
      return e;
    }
  }

  /** Ends what has outlived its certificates; called by a timer. */
  public void tick() {
    Instant now = check.now();
    for (LiveConnection connection : live) {
      Instant end = connection.notAfter();
      if (now.isAfter(end)) {
        expire(connection, end);
      } else if (connection.startsRetiring(now)) {
        events.accept(
            new MeshEvent.Retiring(
                now,
                connection.direction(),
                connection.proof().id(),
                connection.destination(),
                end));
      }
    }
    retirements.sweep(destination -> refusalOf(destination, publisher.current()));
    purge();
  }

  private void expire(LiveConnection connection, Instant end) {
    try {
      withdraw(
          connection,
          new IdentityExpiredException(
              "the certificates of the connection with "
                  + connection.proof().id()
                  + " ended at "
                  + end
                  + "; dial again",
              end));
    } catch (RuntimeException e) {
      LOG.log(
          Level.WARNING,
          "ending the connection with " + connection.proof().id() + " failed; it is cut",
          e);
    }
  }

  /**
   * Judges all again under the pair held; for when something besides the pair changed, such as a
   * gate.
   */
  public void judgeAgain() {
    publisher.sweepAgain();
  }

  private void withdraw(LiveConnection connection, MeshException reason) {
    Withdrawal withdrawal = new Withdrawal(connection.proof().id(), reason);
    if (!connection.markWithdrawn(withdrawal)) {
      return;
    }
    remove(connection);
    Optional<Destination> destination = connection.destination();
    boolean left = false;
    try {
      if (destination.isPresent() && retirements.concerns(destination.get())) {
        // Dials are denied already by the pair; pools evict next; then the connection is cut.
        retirements.tell(destination.get(), reason, () -> end(connection, withdrawal));
        left = true;
      }
    } finally {
      if (!left) {
        end(connection, withdrawal);
      }
    }
    events.accept(
        new MeshEvent.Withdrawn(
            check.now(),
            connection.direction(),
            connection.proof().id(),
            destination,
            PeerText.oneLine(reason.getMessage())));
  }

  private void end(LiveConnection connection, Withdrawal withdrawal) {
    try {
      connection.cut(withdrawal.reason());
    } catch (RuntimeException | Error e) {
      LOG.log(
          Level.WARNING,
          "closing the transport of a connection that was cut failed; its engine is cut",
          e);
    }
    for (LiveConnection.Tracker tracker : connection.trackers()) {
      run(tracker, withdrawal);
    }
  }

  private void run(LiveConnection.Tracker tracker, Withdrawal withdrawal) {
    Consumer<Withdrawal> close = tracker.take();
    if (close != null) {
      callbacks.execute(() -> close.accept(withdrawal));
    }
  }

  /** Cuts everything; for the client's close. */
  public void closeAll(MeshException reason) {
    for (LiveConnection connection : live) {
      Withdrawal withdrawal = new Withdrawal(connection.proof().id(), reason);
      if (connection.markWithdrawn(withdrawal)) {
        remove(connection);
        end(connection, withdrawal);
      }
    }
  }

  // ---- what the client asks ----

  public boolean isEmpty() {
    purge();
    return live.isEmpty();
  }

  public List<MeshSnapshot.LiveConnection> snapshot() {
    List<MeshSnapshot.LiveConnection> now = new ArrayList<>();
    for (LiveConnection connection : live) {
      now.add(
          new MeshSnapshot.LiveConnection(
              connection.direction(),
              connection.proof().id(),
              connection.destination(),
              connection.since(),
              connection.notAfter()));
    }
    return now;
  }

  /** Who is at the other end, judged now. */
  public MeshPeer peer(SSLSession session) throws MeshAuthorizationException {
    return judgedNow(connectionOf(session));
  }

  /** Who has proven this leaf on a live connection, judged now. */
  public MeshPeer peer(X509Certificate leaf) throws MeshAuthorizationException {
    LiveConnection ending = null;
    for (LiveConnection connection : byLeaf.getOrDefault(leaf, Set.of())) {
      // Whom we may call may not therefore call us: only what was judged as a caller counts.
      if (connection.terms() instanceof Terms.Inbound) {
        if (connection.withdrawn().isEmpty()) {
          return judgedNow(connection);
        }
        ending = connection; // about to leave; a caller may have another one that stays
      }
    }
    if (ending != null) {
      return judgedNow(ending);
    }
    throw new IllegalArgumentException(
        "expected the leaf certificate of a live connection of this client, found one that no caller has proven");
  }

  private MeshPeer judgedNow(LiveConnection connection) throws MeshAuthorizationException {
    Published pair = publisher.current();
    try {
      Optional<Withdrawal> gone = connection.withdrawn();
      if (gone.isPresent()) {
        throw gone.get().reason();
      }
      return decide(connection, pair);
    } catch (MeshException e) {
      throw asDenial(e);
    }
  }

  /** An ended identity or a root that is gone denies too. */
  private static MeshAuthorizationException asDenial(MeshException reason) {
    if (reason instanceof MeshAuthorizationException denied) {
      return denied;
    }
    String text = String.valueOf(reason.getMessage());
    MeshAuthorizationException denied =
        new MeshAuthorizationException(text, PolicyCheck.refusal(text));
    denied.initCause(reason);
    return denied;
  }

  /** The connection behind a session of this client. */
  private LiveConnection connectionOf(SSLSession session) {
    if (session instanceof MeshSession ours
        && ours.engine().peer() instanceof ProvenPeer peer
        && ours.engine().isJudgedBy(this)) {
      return peer.connection();
    }
    throw new IllegalArgumentException(
        "expected a session of an engine or socket of this client whose handshake is done, found "
            + (session instanceof MeshSession
                ? "one of another client or one not done"
                : session.getClass().getName()));
  }

  public Lease track(SSLSession session, Consumer<Withdrawal> close) {
    LiveConnection connection = connectionOf(session);
    LiveConnection.Tracker tracker = connection.track(close);
    // Tracked first, looked at second: a withdrawal in between is run by one of the two, once.
    connection.withdrawn().ifPresent(withdrawal -> run(tracker, withdrawal));
    return () -> connection.untrack(tracker);
  }

  public RequestLeases requests() {
    return requests;
  }

  public Retirements retirements() {
    return retirements;
  }

  /** Judges a request, and keeps judging it. */
  public RequestLease admit(
      MeshPeer peer, HttpRequestView request, Consumer<Decision.Denied> onWithdrawn)
      throws MeshAuthorizationException {
    if (!(peer instanceof ProvenPeer proven) || !proven.connection().isJudgedBy(this)) {
      throw new IllegalArgumentException(
          "expected a peer that this client made, found " + peer.getClass().getName());
    }
    Optional<Withdrawal> gone = proven.connection().withdrawn();
    if (gone.isPresent()) {
      throw asDenial(gone.get().reason());
    }
    return requests.admit(proven, request, onWithdrawn);
  }
}
