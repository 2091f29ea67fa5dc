package io.meshnative.internal.tls;

import io.meshnative.MeshEvent;
import io.meshnative.MeshException;
import io.meshnative.MeshObserver;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.meshnative.internal.flight.Flight;
import io.meshnative.internal.flight.HandshakeEvent;
import io.meshnative.internal.flight.OneLine;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Those who want to know of one handshake: the flight recorder, observers, or both. There is none
 * where nobody does. Whoever ends it first is believed.
 */
final class HandshakeWatch {
  private final @Nullable HandshakeEvent event;
  private final MeshObserver.@Nullable HandshakeObserver observer;

  private HandshakeWatch(
      @Nullable HandshakeEvent event, MeshObserver.@Nullable HandshakeObserver observer) {
    this.event = event;
    this.observer = observer;
  }

  /** A handshake begins; null where nobody wants to know. */
  static @Nullable HandshakeWatch begin(MeshEngine engine, Observers observers) {
    HandshakeEvent event = Flight.handshake();
    MeshObserver.HandshakeObserver observer =
        observers.isEmpty() ? null : observers.handshake(() -> handshake(engine));
    if (event == null && observer == null) {
      return null;
    }
    if (event != null) {
      describe(event, engine);
    }
    return new HandshakeWatch(event, observer);
  }

  private static MeshObserver.Handshake handshake(MeshEngine engine) {
    return new MeshObserver.Handshake(
        direction(engine),
        engine.terms() instanceof Terms.Outbound out
            ? Optional.of(out.destination())
            : Optional.empty(),
        Optional.ofNullable(engine.getPeerHost()),
        engine.getPeerPort());
  }

  private static void describe(HandshakeEvent event, MeshEngine engine) {
    event.between(
        engine.epoch().self().service(),
        direction(engine).name(),
        engine.terms() instanceof Terms.Outbound out ? destination(out.destination()) : null,
        engine.getPeerHost() == null ? null : engine.getPeerHost() + ":" + engine.getPeerPort(),
        engine.epoch().number());
  }

  private static String destination(Destination destination) {
    return destination.toString();
  }

  private static MeshEvent.Direction direction(MeshEngine engine) {
    return engine.terms() instanceof Terms.Outbound
        ? MeshEvent.Direction.OUTBOUND
        : MeshEvent.Direction.INBOUND;
  }

  /** The peer was let in. */
  void completed(SpiffeId peer, SSLEngine real, boolean resumed) {
    SSLSession made = real.getSession();
    if (event != null) {
      event.completed(peer.toString(), made.getProtocol(), made.getCipherSuite(), resumed);
    }
    if (observer != null) {
      String agreed = real.getApplicationProtocol();
      observer.completed(
          new MeshObserver.Agreement(
              peer,
              made.getProtocol(),
              made.getCipherSuite(),
              agreed == null || agreed.isEmpty() ? Optional.empty() : Optional.of(agreed),
              resumed));
    }
  }

  /** This side refused the peer. */
  void refused(@Nullable SpiffeId peer, MeshException reason) {
    if (event != null) {
      event.refused(text(peer), reason.getMessage());
    }
    ended(MeshObserver.Outcome.REFUSED, peer, reason.getMessage());
  }

  /** The TLS engine failed, or the peer sent an alert. */
  void failed(@Nullable SpiffeId peer, Exception failure) {
    if (event != null) {
      event.failed(text(peer), failure.getMessage());
    }
    ended(MeshObserver.Outcome.FAILED, peer, failure.getMessage());
  }

  /** The connection ended before the handshake did. */
  void abandoned(@Nullable SpiffeId peer) {
    if (event != null) {
      event.abandoned(text(peer));
    }
    ended(MeshObserver.Outcome.ABANDONED, peer, "the connection ended before the handshake did");
  }

  private void ended(
      MeshObserver.Outcome outcome, @Nullable SpiffeId peer, @Nullable String reason) {
    if (observer != null) {
      observer.ended(outcome, Optional.ofNullable(peer), OneLine.of(reason));
    }
  }

  private static @Nullable String text(@Nullable SpiffeId id) {
    return id == null ? null : id.toString();
  }
}
