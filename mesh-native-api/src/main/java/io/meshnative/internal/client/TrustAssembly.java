package io.meshnative.internal.client;

import io.meshnative.MeshEvent;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.internal.flight.Flight;
import io.meshnative.internal.flight.RotationEvent;
import io.meshnative.internal.tls.PeerVerifier;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import io.meshnative.spi.TrustUpdate;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes trust epochs from what the identity source and the trust source push, each in its own time.
 *
 * <p>Invariants: a new identity is taken only when it chains to a held root; one that came before
 * its root waits, and the old one goes on. New roots are taken at once, even where the own leaf
 * does not chain to them any more: roots that were removed must end trust in peers, whatever that
 * means for ourselves.
 */
final class TrustAssembly {
  private static final String IDENTITY = "identity";
  private static final String TRUST = "trust";

  private final Publisher publisher;
  private final PeerVerifier verifier;
  private final Clock clock;
  private final StateBoard states;
  private final Consumer<MeshEvent> events;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable TrustUpdate roots;
  private @Nullable WorkloadIdentity taken;
  private @Nullable WorkloadIdentity waiting;
  private @Nullable WorkloadIdentity warnedOf;
  private long generation;

  TrustAssembly(
      Publisher publisher,
      PeerVerifier verifier,
      Clock clock,
      StateBoard states,
      Consumer<MeshEvent> events) {
    this.publisher = publisher;
    this.verifier = verifier;
    this.clock = clock;
    this.states = states;
    this.events = events;
  }

  Sink<WorkloadIdentity> identitySink() {
    return new Sink<>() {
      @Override
      public void accept(WorkloadIdentity identity) throws InvalidUpdateException {
        onIdentity(identity);
        states.answered(IDENTITY); // not before: what cannot be used is no recovery
      }

      @Override
      public void failed(IOException cause) {
        states.failed(IDENTITY, cause);
      }

      @Override
      public void warning(String message) {
        events.accept(new MeshEvent.Warning(clock.instant(), IDENTITY, message));
      }
    };
  }

  Sink<TrustUpdate> trustSink() {
    return new Sink<>() {
      @Override
      public void accept(TrustUpdate update) {
        states.answered(TRUST);
        onRoots(update);
      }

      @Override
      public void failed(IOException cause) {
        states.failed(TRUST, cause);
      }

      @Override
      public void warning(String message) {
        events.accept(new MeshEvent.Warning(clock.instant(), TRUST, message));
      }
    };
  }

  /** Called by a timer: says once that the identity is about to end and none has come after it. */
  void tick() {
    lock.lock();
    try {
      WorkloadIdentity held = taken;
      if (held == null || Objects.equals(held, warnedOf)) {
        return;
      }
      Duration life = Duration.between(held.notBefore(), held.notAfter());
      Instant late = held.notBefore().plus(life.multipliedBy(9).dividedBy(10));
      if (clock.instant().isBefore(late)) {
        return;
      }
      warnedOf = held;
      events.accept(
          new MeshEvent.Warning(
              clock.instant(),
              IDENTITY,
              "expected a new identity before nine tenths of the life of this one, found none: "
                  + held.id()
                  + " ends at "
                  + held.notAfter()
                  + ", and everything is denied then; look at the control plane, which renews it, "
                  + "and at what it logs"));
    } finally {
      lock.unlock();
    }
  }

  private void onIdentity(WorkloadIdentity identity) throws InvalidUpdateException {
    lock.lock();
    try {
      if (Objects.equals(identity, taken)) {
        waiting = null;
        return;
      }
      if (clock.instant().isAfter(identity.notAfter())) {
        throw new InvalidUpdateException(
            "expected a live identity, found " + identity + ", which ended before it came");
      }
      if (clock.instant().isBefore(identity.notBefore())) {
        // Refused, not kept waiting: the source asks again, and its time may have come by then.
        throw new InvalidUpdateException(
            "expected a live identity, found "
                + identity
                + ", which begins at "
                + identity.notBefore()
                + ", and here it is "
                + clock.instant()
                + ": is the clock of this machine wrong, or that of the Consul servers?");
      }
      boolean heldAlready = Objects.equals(identity, waiting);
      waiting = identity;
      TrustUpdate now = roots;
      if (now != null) {
        try {
          publish(epoch(identity, now), IDENTITY);
        } catch (InvalidUpdateException e) {
          if (!heldAlready) {
            events.accept(
                new MeshEvent.UpdateRefused(
                    clock.instant(),
                    IDENTITY,
                    e.getMessage() + "; it waits for its root, the one held goes on"));
          }
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void onRoots(TrustUpdate update) {
    lock.lock();
    try {
      boolean changed = !Objects.equals(update, roots);
      roots = update;
      states.holds(StateBoard.Need.TRUST, TRUST);
      WorkloadIdentity candidate = waiting;
      if (candidate != null) {
        try {
          publish(epoch(candidate, update), TRUST);
          return;
        } catch (InvalidUpdateException e) {
          // Its root is still to come. What is held goes on, under the new roots.
        }
      }
      WorkloadIdentity held = taken;
      if (!changed || held == null) {
        return;
      }
      TrustEpoch epoch;
      try {
        epoch = epoch(held, update);
      } catch (InvalidUpdateException e) {
        events.accept(
            new MeshEvent.UpdateRefused(
                clock.instant(),
                TRUST,
                e.getMessage()
                    + "; the new roots are in force for peers, and peers will refuse us until a new leaf comes"));
        epoch = TrustEpoch.underForeignRoots(generation + 1, held, update.bundles());
      }
      publish(epoch, TRUST);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whatever goes wrong in it, the caller goes on: roots that were taken away must not stay for an
   * accident.
   */
  private TrustEpoch epoch(WorkloadIdentity identity, TrustUpdate under)
      throws InvalidUpdateException {
    try {
      return TrustEpoch.of(
          generation + 1, identity, under.local(), under.bundles(), verifier, clock.instant());
    } catch (RuntimeException e) {
      throw new InvalidUpdateException(
          "expected roots that prove " + identity + ", found an error: " + e, e);
    }
  }

  private void publish(TrustEpoch epoch, String source) {
    long before = generation;
    RotationEvent recording = Flight.rotation();
    boolean renewed = !Objects.equals(epoch.identity(), taken);
    generation = epoch.number();
    taken = epoch.identity();
    waiting = null;
    publisher.trust(epoch);
    events.accept(
        new MeshEvent.TrustChanged(
            clock.instant(),
            epoch.number(),
            epoch.identity().id(),
            epoch.identity().notAfter(),
            epoch.roots(),
            renewed));
    states.holds(StateBoard.Need.IDENTITY, source); // told after what makes the client ready
    if (recording != null) {
      recording.end(
          epoch.self().service(),
          before,
          epoch.number(),
          epoch.identity().id().toString(),
          epoch.identity().notAfter(),
          epoch.roots());
    }
  }
}
