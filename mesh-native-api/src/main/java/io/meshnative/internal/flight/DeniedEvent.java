package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** A connection, a request or a dial was refused. */
@Name("io.meshnative.Denied")
@Label("Denied")
@Description("A connection, a request or a dial was refused")
public final class DeniedEvent extends DecisionEvent {
  private static final DeniedEvent PROBE = new DeniedEvent();

  @Label("Cause")
  @Description("A constant of Decision.Cause, or IDENTITY where it was not the policy that refused")
  @Nullable String cause;

  @Label("Reason")
  @Nullable String reason;

  DeniedEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  /** Records it. */
  public void because(String reasonId, @Nullable String why) {
    action = "DENY";
    cause = reasonId;
    reason = OneLine.of(why);
    commit();
  }
}
