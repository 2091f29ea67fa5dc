package io.meshnative.internal.transport;

import io.meshnative.internal.tls.MeshEngine;
import java.io.IOException;
import java.net.Socket;
import java.util.concurrent.ScheduledExecutorService;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLSession;

/**
 * The handshake, on one thread that holds both directions. Ends within its budget, whoever dawdles.
 */
final class Negotiation {
  /** How long, at most, we wait for a peer to read our alert. */
  private static final int LINGER_MILLIS = 200;

  /** More than an honest peer has under way in a handshake; a flood is not read to its end. */
  private static final int LINGER_BYTES = 128 * 1024;

  private final Socket raw;
  private final LockedEngine engine;
  private final Inbound inbound;
  private final Outbound outbound;
  private final ScheduledExecutorService scheduler;
  private boolean answered;

  Negotiation(
      Socket raw,
      LockedEngine engine,
      Inbound inbound,
      Outbound outbound,
      ScheduledExecutorService scheduler) {
    this.raw = raw;
    this.engine = engine;
    this.inbound = inbound;
    this.outbound = outbound;
    this.scheduler = scheduler;
  }

  /** Returns the session that was agreed; the engine has verified the peer by then. */
  SSLSession run(Deadline budget) throws IOException {
    engine.beginHandshake();
    for (boolean going = true; going; ) {
      switch (engine.handshakeStatus()) {
        case NEED_WRAP -> {
          outbound.wrapFlight();
          WriteGuard guard = WriteGuard.arm(scheduler, raw, budget.remainingMillis());
          try {
            outbound.flush();
          } finally {
            guard.disarm();
          }
          answered = inbound.hasReceived();
        }
        case NEED_TASK -> engine.runTasks();
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> inbound.handshakeStep(budget);
        case FINISHED, NOT_HANDSHAKING -> going = false;
      }
      budget.remainingMillis();
    }
    if (engine.isClosed()) {
      // A closed engine says NOT_HANDSHAKING as well, and nobody has verified anything.
      throw new SSLHandshakeException("the connection was closed during the handshake");
    }
    if (engine.engine() instanceof MeshEngine mesh) {
      mesh.requireVerified(); // whatever an engine's statuses say, nobody gets an unverified one
    }
    SSLSession made = engine.session();
    inbound.handshakeDone(made.getProtocol());
    outbound.handshakeDone();
    return made;
  }

  /** Whether we have answered the peer's first flight: a client has shown its certificate then. */
  boolean hasAnswered() {
    return answered;
  }

  /**
   * After our alert was written: a raw close with unread input resets the connection, and the reset
   * overtakes the alert. So we end our output and read the peer's rest, briefly and not all of a
   * flood.
   */
  void lingerForAlert() {
    try {
      Deadline linger = Deadline.afterMillis(LINGER_MILLIS);
      raw.shutdownOutput();
      byte[] rest = new byte[4096];
      int heard = 0;
      for (int got = 0; got >= 0 && heard < LINGER_BYTES; heard += got) {
        raw.setSoTimeout(linger.remainingMillis());
        got = raw.getInputStream().read(rest);
      }
    } catch (IOException e) {
      // Time is up, or the peer has closed: either way nobody waits for more.
    }
  }
}
