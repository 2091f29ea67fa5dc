package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** A connection or a request was let in. Off unless a recording asks for it: there are many. */
@Name("io.meshnative.Allowed")
@Label("Allowed")
@Description("A connection or a request was let in; off by default, since there is one for each")
@Enabled(false)
public final class AllowedEvent extends DecisionEvent {
  private static final AllowedEvent PROBE = new AllowedEvent();

  AllowedEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  /** Records it. */
  public void record() {
    action = "ALLOW";
    commit();
  }
}
