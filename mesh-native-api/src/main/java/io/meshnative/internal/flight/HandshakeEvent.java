package io.meshnative.internal.flight;

import java.util.concurrent.atomic.AtomicBoolean;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/**
 * A TLS handshake and the check after it. Ends once, whoever ends it: the check, a refusal, an
 * alert of the peer, or the end of the connection.
 */
@Name("io.meshnative.Handshake")
@Label("Handshake")
@Description("A TLS handshake, from its first byte until the peer was let in or refused")
public final class HandshakeEvent extends FlightEvent {
  private static final HandshakeEvent PROBE = new HandshakeEvent();

  @Label("Direction")
  @Description("INBOUND or OUTBOUND")
  @Nullable String direction;

  @Label("Peer")
  @Description("The SPIFFE id that the peer proved; null if none")
  @Nullable String peer;

  @Label("Destination")
  @Description("The destination that was called; null for inbound")
  @Nullable String destination;

  @Label("Remote Address")
  @Nullable String remote;

  @Label("Protocol")
  @Nullable String protocol;

  @Label("Cipher Suite")
  @Nullable String cipherSuite;

  @Label("Resumed")
  @Description("Whether an earlier session was resumed; it was authorized anew")
  boolean resumed;

  @Label("Trust Generation")
  @Description("The trust epoch in which the handshake ran")
  long trustGeneration;

  @Label("Outcome")
  @Description("completed, refused (by this side), failed (an alert or an error), abandoned")
  @Nullable String outcome;

  @Label("Reason")
  @Description("Why it did not complete")
  @Nullable String reason;

  private final transient AtomicBoolean ended = new AtomicBoolean();

  private HandshakeEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static HandshakeEvent begun() {
    HandshakeEvent event = new HandshakeEvent();
    event.begin();
    return event;
  }

  /** Whose handshake it is. */
  public HandshakeEvent between(
      String own, String way, @Nullable String called, @Nullable String address, long generation) {
    service = own;
    direction = way;
    destination = called;
    remote = address;
    trustGeneration = generation;
    return this;
  }

  /** The peer was let in. */
  public void completed(String peerId, String version, String suite, boolean isResumed) {
    if (ended.compareAndSet(false, true)) {
      peer = peerId;
      protocol = version;
      cipherSuite = suite;
      resumed = isResumed;
      outcome = "completed";
      commit();
    }
  }

  /** This side refused the peer. */
  public void refused(@Nullable String peerId, @Nullable String why) {
    end(peerId, "refused", why);
  }

  /** The TLS engine failed, or the peer sent an alert. */
  public void failed(@Nullable String peerId, @Nullable String why) {
    end(peerId, "failed", why);
  }

  /** The connection ended before the handshake did. */
  public void abandoned(@Nullable String peerId) {
    end(peerId, "abandoned", "the connection ended before the handshake did");
  }

  private void end(@Nullable String peerId, String how, @Nullable String why) {
    if (ended.compareAndSet(false, true)) {
      peer = peerId;
      outcome = how;
      reason = OneLine.of(why);
      commit();
    }
  }
}
