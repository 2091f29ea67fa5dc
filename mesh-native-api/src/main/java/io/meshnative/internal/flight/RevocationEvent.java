package io.meshnative.internal.flight;

import java.time.Duration;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** The right of an open connection or request was withdrawn; lasts until it was cut. */
@Name("io.meshnative.Revocation")
@Label("Revocation")
@Description("An open connection or request lost its right: from that decision until it was cut")
public final class RevocationEvent extends FlightEvent {
  private static final RevocationEvent PROBE = new RevocationEvent();

  @Label("Kind")
  @Description("CONNECTION or REQUEST")
  @Nullable String kind;

  @Label("Direction")
  @Description("INBOUND or OUTBOUND")
  @Nullable String direction;

  @Label("Peer")
  @Nullable String peer;

  @Label("Destination")
  @Description("The destination that was called; null for inbound")
  @Nullable String destination;

  @Label("Remote Address")
  @Nullable String remote;

  @Label("Age")
  @Description("How long the connection had been open; -1 for a request")
  @Timespan(Timespan.MILLISECONDS)
  long age = -1;

  @Label("Publication to Cut")
  @Description(
      "From the publication that withdrew the right until the cut; -1 where no publication did,"
          + " as at the end of a certificate")
  @Timespan(Timespan.NANOSECONDS)
  long publishToCut = -1;

  @Label("Policy Version")
  @Description("The policy in force")
  long policyVersion;

  @Label("Reason")
  @Nullable String reason;

  private RevocationEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static RevocationEvent begun() {
    RevocationEvent event = new RevocationEvent();
    event.begin();
    return event;
  }

  /** Whose right it was. */
  public void of(
      String own,
      String what,
      String way,
      String peerId,
      @Nullable String called,
      @Nullable String address) {
    service = own;
    kind = what;
    direction = way;
    peer = peerId;
    destination = called;
    remote = address;
  }

  /** How long the connection had been open. */
  public void after(Duration open) {
    age = open.toMillis();
  }

  /**
   * It has been cut.
   *
   * @param publishedNanos by {@link System#nanoTime()}; null where no publication withdrew it
   */
  public void cut(@Nullable Long publishedNanos, long version, @Nullable String why) {
    publishToCut = publishedNanos == null ? -1 : System.nanoTime() - publishedNanos;
    policyVersion = version;
    reason = OneLine.of(why);
    commit();
  }
}
