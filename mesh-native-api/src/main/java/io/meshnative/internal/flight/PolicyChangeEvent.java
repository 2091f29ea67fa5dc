package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** New intentions; lasts until every live connection has been judged again. */
@Name("io.meshnative.PolicyChange")
@Label("Policy Changed")
@Description("New intentions: from their arrival until all live connections were judged by them")
public final class PolicyChangeEvent extends FlightEvent {
  private static final PolicyChangeEvent PROBE = new PolicyChangeEvent();

  @Label("Policy Version")
  long policyVersion;

  @Label("Intentions")
  @Description("How many intentions concern callers of the service")
  int intentions;

  @Label("Default")
  @Description("What happens where no intention matches: ALLOW, DENY or UNKNOWN")
  @Nullable String defaultDecision;

  @Label("Defect")
  @Description("Why everything is denied; null where the intentions can be applied")
  @Nullable String defect;

  private PolicyChangeEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static PolicyChangeEvent begun() {
    PolicyChangeEvent event = new PolicyChangeEvent();
    event.begin();
    return event;
  }

  /** Records the policy that was published. */
  public void end(
      String own, long version, int inbound, String otherwise, @Nullable String deniesAll) {
    service = own;
    policyVersion = version;
    intentions = inbound;
    defaultDecision = otherwise;
    defect = deniesAll == null ? null : OneLine.of(deniesAll);
    commit();
  }
}
