package io.meshnative.internal.transport;

import io.meshnative.IdentityExpiredException;
import io.meshnative.Lease;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.MeshNotReadyException;
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
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
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
  private final Denials denials;
  private final Retirements retirements;
  private final RequestLeases requests;
  private final Moment.Observer moments;

  private final Registry live = new Registry();

  /** Withdrawn, and not cut before those who hear of it have had their moment. */
  private final Set<LiveConnection> awaitingCut = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  /**
   * Makes the registry of a client.
   *
   * @param callbacks runs what the application gave us
   * @param scheduler bounds how long its retire listeners are waited for; short tasks only
   */
  public LiveConnections(
      Publisher publisher,
      PolicyCheck check,
      RetirePolicy retirePolicy,
      RandomGenerator random,
      Executor callbacks,
      ScheduledExecutorService scheduler,
      Consumer<MeshEvent> events,
      Denials denials) {
    this(
        publisher,
        check,
        retirePolicy,
        random,
        callbacks,
        scheduler,
        events,
        denials,
        Moment.Observer.NOBODY);
  }

  LiveConnections(
      Publisher publisher,
      PolicyCheck check,
      RetirePolicy retirePolicy,
      RandomGenerator random,
      Executor callbacks,
      ScheduledExecutorService scheduler,
      Consumer<MeshEvent> events,
      Denials denials,
      Moment.Observer moments) {
    this.publisher = publisher;
    this.check = check;
    this.retirePolicy = retirePolicy;
    this.random = random;
    this.callbacks = new Callbacks(callbacks);
    this.events = events;
    this.denials = denials;
    this.moments = moments;
    this.retirements = new Retirements(this.callbacks, scheduler);
    this.requests = new RequestLeases(publisher, check, this.callbacks, denials, moments);
    publisher.onPublished(this::sweep);
  }

  // ---- PeerAuthority ----

  @Override
  public void require(Terms terms, PeerProof proof) throws MeshException {
    moments.at(Moment.PROVEN);
    preview(terms, proof, publisher.current());
    moments.at(Moment.PREVIEWED);
  }

  @Override
  public MeshPeer admit(MeshEngine engine, PeerProof proof) throws MeshException {
    moments.at(Moment.SHAKEN);
    Published pair = publisher.current();
    requireOwnLife(engine);
    LiveConnection connection =
        new LiveConnection(engine, proof, check.now(), retirePolicy, random, this, live.dropped());
    ProvenPeer peer = decide(connection, pair);
    moments.at(Moment.DECIDED);
    live.add(connection);
    purge();
    try {
      moments.at(Moment.REGISTERED);
      Published decided = pair;
      Published again = publisher.current();
      // Neither a gate nor time is part of the pair: either may have ended the right since, and the
      // sweep that saw it did not see us.
      if (again != pair || connection.isGated() || check.now().isAfter(connection.notAfter())) {
        requireOwnLife(engine);
        peer = decide(connection, again);
        decided = again;
      }
      Optional<Withdrawal> gone = connection.withdrawn();
      if (gone.isPresent()) {
        throw gone.get().reason();
      }
      moments.at(Moment.ADMITTED);
      denials.letIn(engine, peer, decided);
      return peer;
    } catch (MeshException | RuntimeException | Error e) {
      connection.countEnd(); // it was never let in
      end(connection);
      throw e;
    }
  }

  /** A handshake may have begun under an identity that has ended since, and has a successor. */
  private void requireOwnLife(MeshEngine engine) throws IdentityExpiredException {
    Instant ownNotAfter = engine.epoch().identity().notAfter();
    if (check.now().isAfter(ownNotAfter)) {
      throw new IdentityExpiredException(
          "expected a handshake under a live identity, found one that began under "
              + engine.epoch().identity().id()
              + " of before, which ended at "
              + ownNotAfter
              + "; connect again",
          ownNotAfter);
    }
  }

  @Override
  public void release(MeshEngine engine) {
    if (engine.peer() instanceof ProvenPeer peer) {
      moments.at(Moment.ENDED);
      end(peer.connection());
    }
  }

  @Override
  public void refused(MeshEngine engine, MeshException reason) {
    denials.connection(engine, reason);
  }

  // ---- deciding ----

  /** Judges a live connection under one pair; keeps a newer proof in it, where there is one. */
  private ProvenPeer decide(LiveConnection connection, Published pair) throws MeshException {
    TrustEpoch epoch = check.liveEpoch(pair);
    PeerProof shown = check.current(connection.proof(), epoch);
    connection.proof(shown);
    if (connection.terms() instanceof Terms.Outbound out) {
      Decision decision = check.outbound(out.target(), shown, pair, epoch);
      return new ProvenPeer(connection, epoch.expected(out.target()), decision);
    }
    Terms.Inbound in = (Terms.Inbound) connection.terms();
    ConsulId.Service caller = check.requireService(shown);
    Decision decision = check.inbound(caller, pair, epoch);
    ProvenPeer peer = new ProvenPeer(connection, caller, decision);
    if (!isForRequests(decision, in) && !in.authorizer().isAuthorized(peer, decision)) {
      throw check.denied(
          shown.id(),
          decision instanceof Decision.Denied denied
              ? denied
              : PolicyCheck.refusal(
                  Decision.Cause.AUTHORIZER, "the listener's authorizer refuses " + shown.id()),
          pair);
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
      check.outbound(out.target(), shown, pair, epoch);
      return;
    }
    Terms.Inbound in = (Terms.Inbound) terms;
    Decision decision = check.inbound(check.requireService(shown), pair, epoch);
    if (decision instanceof Decision.Denied denied
        && in.authorizer() == PeerAuthorizer.intentions()
        && !isForRequests(decision, in)) {
      throw check.denied(shown.id(), denied, pair);
    }
  }

  private static boolean isForRequests(Decision decision, Terms.Inbound in) {
    return decision instanceof Decision.Denied denied
        && denied.cause() == Decision.Cause.NEEDS_REQUEST
        && in.gate().map(RequestGate::isArmed).orElse(false);
  }

  // ---- the registry ----

  /**
   * The connection is over, and what it held goes with it: told why if its right was withdrawn,
   * silently if its transport has just ended. A cut ends the transport too, so this may run twice.
   */
  private void end(LiveConnection connection) {
    live.remove(connection);
    if (connection.countEnd()) {
      denials
          .tally()
          .ended(
              connection.direction(),
              connection
                  .withdrawn()
                  .map(gone -> ending(gone.reason()))
                  .orElse(MeshSnapshot.Ending.CLOSED));
    }
    Decision.Denied why =
        connection
            .withdrawn()
            .map(gone -> PolicyCheck.asDenial(gone.reason()).decision())
            .orElse(null);
    requests.end(connection, why, () -> live.caller(connection.proof().leaf()));
  }

  private static MeshSnapshot.Ending ending(MeshException reason) {
    if (reason instanceof MeshAuthorizationException) {
      return MeshSnapshot.Ending.DENIED;
    }
    if (reason instanceof IdentityExpiredException) {
      return MeshSnapshot.Ending.EXPIRED;
    }
    return reason instanceof MeshNotReadyException
        ? MeshSnapshot.Ending.SHUTDOWN
        : MeshSnapshot.Ending.UNTRUSTED;
  }

  private void purge() {
    live.eachDropped(connection -> {
      end(connection);
      connection.endDropped();
    });
  }

  // ---- withdrawing ----

  /**
   * Judges every live connection and request again. Runs on the publishing thread; blocks on
   * nothing of ours. Connections whose listener asks code of the application come last, so that it
   * delays nobody else.
   */
  public void sweep(Published pair) {
    sweep(pair, false);
    for (LiveConnection connection : live) {
      requests.sweep(connection, pair);
    }
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

  /**
   * Whatever one connection's decision or ending meets, the others are judged too. A sweep that
   * took its time may meet a connection that a newer pair has let in: the newest decides.
   */
  private void judge(LiveConnection connection, Published pair) {
    MeshException reason = reasonAgainst(connection, pair);
    Published newest = publisher.current();
    if (reason != null && newest != pair) {
      reason = reasonAgainst(connection, newest);
    }
    if (reason != null) {
      withdrawWhateverHappens(connection, reason, newest.sinceNanos());
    }
  }

  private void withdrawWhateverHappens(
      LiveConnection connection, MeshException reason, @Nullable Long publishedNanos) {
    try {
      withdraw(connection, reason, publishedNanos);
    } catch (RuntimeException | Error e) {
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
    } catch (MeshNotReadyException e) {
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
        outlived(connection, now);
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

  /** The path by which the peer was proven has ended; its leaf may lead to another root. */
  private void outlived(LiveConnection connection, Instant now) {
    if (!now.isAfter(connection.ownNotAfter())) {
      try {
        PeerProof proof = connection.proof();
        connection.proof(check.current(proof, check.liveEpoch(publisher.current())));
      } catch (MeshException | RuntimeException e) {
        LOG.log(Level.DEBUG, "no other path proves " + connection.proof().id(), e);
      }
    }
    Instant end = connection.notAfter();
    if (now.isAfter(end)) {
      withdrawWhateverHappens(
          connection,
          new IdentityExpiredException(
              "the certificates of the connection with "
                  + connection.proof().id()
                  + " ended at "
                  + end
                  + "; dial again",
              end),
          null);
    }
  }

  /**
   * Judges all again under the pair held; for when something besides the pair changed, such as a
   * gate.
   */
  public void judgeAgain() {
    publisher.sweepAgain();
  }

  /**
   * Cuts first, tells afterwards.
   *
   * @param publishedNanos the publication that withdrew the right; null for none
   */
  private void withdraw(
      LiveConnection connection, MeshException reason, @Nullable Long publishedNanos) {
    Withdrawal withdrawal = new Withdrawal(connection.proof().id(), reason);
    if (!connection.markWithdrawn(withdrawal)) {
      return;
    }
    moments.at(Moment.WITHDRAWN);
    awaitingCut.add(connection);
    live.remove(connection);
    Denials.Cut recording = denials.beginCut(connection);
    Runnable cut =
        () -> {
          cut(connection, withdrawal);
          recording.done(reason, publishedNanos);
        };
    Optional<Destination> destination = connection.destination();
    boolean left = false;
    try {
      if (destination.isPresent() && retirements.concerns(destination.get())) {
        // Dials are denied already by the pair; pools evict next; then the connection is cut.
        retirements.tell(destination.get(), reason, cut);
        left = !closed; // the client may be closing, and have looked before we came
      }
    } finally {
      if (!left) {
        cut.run();
      }
    }
    denials.withdrawn(connection, reason);
  }

  /** May be called again; the engine first, then the application's transport and its requests. */
  private void cut(LiveConnection connection, Withdrawal withdrawal) {
    awaitingCut.remove(connection);
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
    end(connection);
  }

  /** Looks again when its turn comes: who has ended the tracking by then is not told any more. */
  private void run(LiveConnection.Tracker tracker, Withdrawal withdrawal) {
    callbacks.execute(() -> {
      Consumer<Withdrawal> close = tracker.take();
      if (close != null) {
        close.accept(withdrawal);
      }
    });
  }

  /** Cuts everything, what waits for its cut too; for the client's close. */
  public void closeAll(MeshException reason) {
    closed = true;
    for (LiveConnection connection : live) {
      Withdrawal withdrawal = new Withdrawal(connection.proof().id(), reason);
      if (connection.markWithdrawn(withdrawal)) {
        live.remove(connection);
        cut(connection, withdrawal);
      }
    }
    for (LiveConnection connection : awaitingCut) {
      connection.withdrawn().ifPresent(withdrawal -> cut(connection, withdrawal));
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
    LiveConnection connection = live.caller(leaf);
    if (connection == null) {
      throw new IllegalArgumentException(
          "expected the leaf certificate of a live connection of this client, found one that no caller has proven");
    }
    return judgedNow(connection).anywhere();
  }

  private ProvenPeer judgedNow(LiveConnection connection) throws MeshAuthorizationException {
    Published pair = publisher.current();
    try {
      Optional<Withdrawal> gone = connection.withdrawn();
      if (gone.isPresent()) {
        throw gone.get().reason();
      }
      return decide(connection, pair);
    } catch (MeshException e) {
      throw PolicyCheck.asDenial(e);
    }
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

  /** Whether the connection of a session is to get no new work. */
  public boolean isRetiring(SSLSession session) {
    return connectionOf(session).isRetiring();
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
    while (true) {
      RequestLease lease = requests.admit(holder(proven, request), proven, request, onWithdrawn);
      if (lease != null) {
        return lease;
      }
    }
  }

  /** The connection that the request goes with. */
  private LiveConnection holder(ProvenPeer peer, HttpRequestView request)
      throws MeshAuthorizationException {
    LiveConnection own = peer.connection();
    if (!own.isOver()) {
      return own;
    }
    LiveConnection other = peer.byLeaf() ? live.caller(peer.leaf()) : null;
    if (other != null) {
      return other;
    }
    Optional<Withdrawal> gone = own.withdrawn();
    MeshAuthorizationException denied =
        gone.isPresent()
            ? PolicyCheck.denialOf(request, gone.get().reason())
            : check.denied(
                peer.id(),
                PolicyCheck.refusal(
                        Decision.Cause.IDENTITY, "the connection of the request has ended")
                    .of(request),
                publisher.current());
    denials.request(peer, request, denied);
    throw denied;
  }
}
