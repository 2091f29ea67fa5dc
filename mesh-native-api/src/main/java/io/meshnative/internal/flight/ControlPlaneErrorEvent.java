package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** A call to the control plane failed. */
@Name("io.meshnative.ControlPlaneError")
@Label("Control Plane Error")
@Description("A call to the Consul agent failed, or its answer could not be used")
public final class ControlPlaneErrorEvent extends FlightEvent {
  private static final ControlPlaneErrorEvent PROBE = new ControlPlaneErrorEvent();

  @Label("Call")
  @Description("Method and path of the call, without its query")
  @Nullable String path;

  @Label("Status")
  @Description("The HTTP status; 0 if there was no answer, 200 if it could not be used")
  int status;

  @Label("Attempt")
  @Description("How many times in a row this call has failed now")
  int attempt;

  @Label("Reason")
  @Nullable String reason;

  ControlPlaneErrorEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  /** Records it. */
  public void end(
      String own, String call, int httpStatus, int failuresInARow, @Nullable String why) {
    service = own;
    path = call;
    status = httpStatus;
    attempt = failuresInARow;
    reason = OneLine.of(why);
    commit();
  }
}
