package io.meshnative.internal.transport;

import io.meshnative.AuditRecord;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.MeshSnapshot;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.Intention;
import io.meshnative.internal.flight.AllowedEvent;
import io.meshnative.internal.flight.DeniedEvent;
import io.meshnative.internal.flight.Flight;
import io.meshnative.internal.flight.RevocationEvent;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.Terms;
import io.meshnative.internal.tls.TrustEpoch;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells of every refusal and every withdrawal, in the places where people look: events (which are
 * logged), the audit sink, the flight recorder. Whoever refuses or withdraws calls this once, after
 * the deed; nothing here blocks or throws.
 */
public final class Denials {
  private final PolicyCheck check;
  private final Publisher publisher;
  private final Consumer<MeshEvent> events;
  private final Consumer<AuditRecord> audit;
  private final Tally tally = new Tally();

  public Denials(
      PolicyCheck check,
      Publisher publisher,
      Consumer<MeshEvent> events,
      Consumer<AuditRecord> audit) {
    this.check = check;
    this.publisher = publisher;
    this.events = events;
    this.audit = audit;
  }

  /**
   * What was refused or ended.
   *
   * @param peer the peer's id, if it proved one
   * @param destination the destination, empty for inbound
   */
  private record Subject(
      Optional<SpiffeId> peer,
      Optional<String> remote,
      Optional<Destination> destination,
      Optional<HttpRequestView> request) {

    MeshEvent.Direction direction() {
      return destination.isPresent() ? MeshEvent.Direction.OUTBOUND : MeshEvent.Direction.INBOUND;
    }
  }

  /** Why: by which decision, if it was one, of which policy. */
  private record Grounds(
      Decision.@Nullable Denied decision, String reason, long policyVersion, long generation) {

    @Nullable Intention rule() {
      return decision == null ? null : decision.intention().orElse(null);
    }

    OptionalInt permission() {
      return decision == null ? OptionalInt.empty() : decision.permissionIndex();
    }
  }

  // ---- refused ----

  /** A peer was refused in its handshake. */
  void connection(MeshEngine engine, MeshException reason) {
    Subject subject =
        new Subject(
            Optional.ofNullable(engine.proof()).map(PeerProof::id),
            remote(engine),
            engine.terms() instanceof Terms.Outbound out
                ? Optional.of(out.destination())
                : Optional.empty(),
            Optional.empty());
    refused(AuditRecord.Kind.CONNECTION_REFUSED, subject, grounds(reason));
  }

  /** The policy held here says that the service may not call a destination. */
  void dial(Destination destination, MeshAuthorizationException reason) {
    refused(
        AuditRecord.Kind.DIAL_REFUSED,
        new Subject(Optional.empty(), Optional.empty(), Optional.of(destination), Optional.empty()),
        grounds(reason));
  }

  /** A request was refused on a connection that stands. */
  void request(ProvenPeer peer, HttpRequestView request, MeshAuthorizationException reason) {
    refused(AuditRecord.Kind.REQUEST_REFUSED, subject(peer, request), grounds(reason));
  }

  /** What was counted of all this. */
  public Tally tally() {
    return tally;
  }

  private void refused(AuditRecord.Kind kind, Subject subject, Grounds grounds) {
    tally.decided(
        subject.direction(),
        kind == AuditRecord.Kind.REQUEST_REFUSED
            ? MeshSnapshot.Layer.REQUEST
            : MeshSnapshot.Layer.CONNECTION,
        grounds.decision() == null ? MeshSnapshot.Verdict.UNPROVEN : MeshSnapshot.Verdict.DENIED);
    events.accept(
        new MeshEvent.Denied(
            check.now(), subject.direction(), subject.peer(), subject.remote(), grounds.reason()));
    audit.accept(record(kind, subject, grounds));
    DeniedEvent event = Flight.denied();
    if (event != null) {
      boolean outbound = subject.destination().isPresent();
      String self = self(publisher.current()).map(SpiffeId::toString).orElse(null);
      event.between(
          check.service(),
          kindOf(kind),
          subject.direction().name(),
          outbound ? self : subject.peer().map(SpiffeId::toString).orElse(null),
          subject.destination().map(Destination::toString).orElse(check.service()),
          subject.remote().orElse(null));
      HttpRequestView request = subject.request().orElse(null);
      if (request != null) {
        event.about(request.method(), request.path());
      }
      event.by(
          grounds.policyVersion(),
          grounds.rule() == null ? null : grounds.rule().toString(),
          grounds.permission().orElse(-1));
      event.because(
          grounds.decision() == null ? "IDENTITY" : grounds.decision().cause().name(),
          grounds.reason());
    }
  }

  // ---- let in ----

  /** A connection was let in; counted, and told to the flight recorder where it asks. */
  void letIn(MeshEngine engine, ProvenPeer peer, Published pair) {
    boolean outbound = engine.terms() instanceof Terms.Outbound;
    tally.decided(
        outbound ? MeshEvent.Direction.OUTBOUND : MeshEvent.Direction.INBOUND,
        MeshSnapshot.Layer.CONNECTION,
        MeshSnapshot.Verdict.ALLOWED);
    AllowedEvent event = Flight.allowed();
    if (event == null) {
      return;
    }
    event.between(
        check.service(),
        "CONNECTION",
        (outbound ? MeshEvent.Direction.OUTBOUND : MeshEvent.Direction.INBOUND).name(),
        (outbound ? engine.epoch().identity().id() : peer.id()).toString(),
        engine.terms() instanceof Terms.Outbound out
            ? out.destination().toString()
            : check.service(),
        remote(engine).orElse(null));
    allowed(event, peer.decision(), pair);
  }

  /** A request was let in. */
  void letIn(ProvenPeer peer, HttpRequestView request, Decision.Allowed decision, Published pair) {
    tally.decided(
        MeshEvent.Direction.INBOUND, MeshSnapshot.Layer.REQUEST, MeshSnapshot.Verdict.ALLOWED);
    AllowedEvent event = Flight.allowed();
    if (event == null) {
      return;
    }
    event.between(
        check.service(),
        "REQUEST",
        MeshEvent.Direction.INBOUND.name(),
        peer.id().toString(),
        check.service(),
        peer.connection().remote().orElse(null));
    event.about(request.method(), request.path());
    allowed(event, decision, pair);
  }

  private static void allowed(AllowedEvent event, Decision decision, Published pair) {
    event.by(
        pair.policy().number(),
        decision.intention().map(Intention::toString).orElse(null),
        decision instanceof Decision.Allowed allowed ? allowed.permissionIndex().orElse(-1) : -1);
    event.record();
  }

  // ---- withdrawn ----

  /** The cut of a connection, from the decision on; told to the flight recorder alone. */
  final class Cut {
    private final @Nullable RevocationEvent event;

    private Cut(@Nullable RevocationEvent event) {
      this.event = event;
    }

    /**
     * The transport was cut.
     *
     * @param publishedNanos the publication that withdrew the right; null for none
     */
    void done(MeshException reason, @Nullable Long publishedNanos) {
      if (event != null) {
        Grounds grounds = grounds(reason);
        event.cut(publishedNanos, grounds.policyVersion(), grounds.reason());
      }
    }
  }

  /** A connection is about to be cut. */
  Cut beginCut(LiveConnection connection) {
    RevocationEvent event = Flight.revocation();
    if (event != null) {
      event.of(
          check.service(),
          "CONNECTION",
          connection.direction().name(),
          connection.proof().id().toString(),
          connection.destination().map(Destination::toString).orElse(null),
          connection.remote().orElse(null));
      event.after(Duration.between(connection.since(), check.now()));
    }
    return new Cut(event);
  }

  /** The right of a connection was withdrawn. */
  void withdrawn(LiveConnection connection, MeshException reason) {
    Subject subject =
        new Subject(
            Optional.of(connection.proof().id()),
            connection.remote(),
            connection.destination(),
            Optional.empty());
    withdrawn(AuditRecord.Kind.CONNECTION_CUT, connection, subject, grounds(reason));
  }

  /** The right of a request that runs was withdrawn. */
  void withdrawn(
      ProvenPeer peer, HttpRequestView request, Decision.Denied decision, Published pair) {
    String reason = PeerText.oneLine(decision.reason());
    Grounds grounds =
        new Grounds(decidedBy(decision), reason, pair.policy().number(), generation(pair));
    withdrawn(AuditRecord.Kind.REQUEST_CUT, peer.connection(), subject(peer, request), grounds);
    RevocationEvent event = Flight.revocation();
    if (event != null) {
      event.of(
          check.service(),
          "REQUEST",
          MeshEvent.Direction.INBOUND.name(),
          peer.id().toString(),
          null,
          peer.connection().remote().orElse(null));
      event.cut(pair.sinceNanos(), grounds.policyVersion(), reason);
    }
  }

  private void withdrawn(
      AuditRecord.Kind kind, LiveConnection connection, Subject subject, Grounds grounds) {
    events.accept(
        new MeshEvent.Withdrawn(
            check.now(),
            subject.direction(),
            connection.proof().id(),
            subject.destination(),
            grounds.reason()));
    audit.accept(record(kind, subject, grounds));
  }

  // ---- what they share ----

  private AuditRecord record(AuditRecord.Kind kind, Subject subject, Grounds grounds) {
    return new AuditRecord(
        check.now(),
        kind,
        subject.direction(),
        check.service(),
        self(publisher.current()),
        subject.peer(),
        subject.remote(),
        subject.destination(),
        Optional.ofNullable(grounds.decision()).map(Decision.Denied::cause),
        Optional.ofNullable(grounds.rule()),
        grounds.permission(),
        grounds.reason(),
        grounds.policyVersion(),
        grounds.generation(),
        subject
            .request()
            .map(request ->
                new AuditRecord.Request(request.method(), request.authority(), request.path())),
        0);
  }

  private Grounds grounds(MeshException reason) {
    Published pair = publisher.current();
    MeshAuthorizationException denied =
        reason instanceof MeshAuthorizationException authorization ? authorization : null;
    return new Grounds(
        denied == null ? null : decidedBy(denied.decision()),
        PeerText.oneLine(reason.getMessage()),
        denied == null
            ? pair.policy().number()
            : denied.policyVersion().orElse(pair.policy().number()),
        generation(pair));
  }

  /** The decision, unless it only passes on what is wrong with an identity. */
  private static Decision.@Nullable Denied decidedBy(Decision.Denied decision) {
    return decision.cause() == Decision.Cause.IDENTITY ? null : decision;
  }

  private static Subject subject(ProvenPeer peer, HttpRequestView request) {
    return new Subject(
        Optional.of(peer.id()), peer.connection().remote(), Optional.empty(), Optional.of(request));
  }

  private static String kindOf(AuditRecord.Kind kind) {
    return switch (kind) {
      case CONNECTION_REFUSED, CONNECTION_CUT -> "CONNECTION";
      case REQUEST_REFUSED, REQUEST_CUT -> "REQUEST";
      case DIAL_REFUSED -> "DIAL";
    };
  }

  private static Optional<SpiffeId> self(Published pair) {
    return Optional.ofNullable(pair.trust()).map(trust -> trust.identity().id());
  }

  private static long generation(Published pair) {
    TrustEpoch trust = pair.trust();
    return trust == null ? 0 : trust.number();
  }

  private static Optional<String> remote(MeshEngine engine) {
    return engine.getPeerHost() == null
        ? Optional.empty()
        : Optional.of(engine.getPeerHost() + ":" + engine.getPeerPort());
  }
}
