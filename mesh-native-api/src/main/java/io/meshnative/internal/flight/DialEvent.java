package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** A dial, with all the endpoints that it tried; the stack trace says who dialled. */
@Name("io.meshnative.Dial")
@Label("Dial")
@Description("A dial of a destination: waiting for endpoints, connecting, shaking hands")
@StackTrace(true)
public final class DialEvent extends FlightEvent {
  private static final DialEvent PROBE = new DialEvent();

  @Label("Destination")
  @Nullable String destination;

  @Label("Endpoint")
  @Description("The address tried last, which is the one connected to if it succeeded")
  @Nullable String endpoint;

  @Label("Attempts")
  @Description("How many endpoints were tried")
  int attempts;

  @Label("Outcome")
  @Description("connected, denied (by the intentions held here), failed")
  @Nullable String outcome;

  @Label("Reason")
  @Description("Why there is no connection")
  @Nullable String reason;

  private DialEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static DialEvent begun() {
    DialEvent event = new DialEvent();
    event.begin();
    return event;
  }

  /** An endpoint is tried. */
  public void tries(String address) {
    endpoint = address;
    attempts++;
  }

  /** The dial has ended. */
  public void end(String own, String called, String how, @Nullable String why) {
    service = own;
    destination = called;
    outcome = how;
    reason = why == null ? null : OneLine.of(why);
    commit();
  }
}
