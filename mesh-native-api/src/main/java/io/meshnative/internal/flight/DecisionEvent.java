package io.meshnative.internal.flight;

import jdk.jfr.Description;
import jdk.jfr.Label;
import org.jspecify.annotations.Nullable;

/** What the events about decisions share. */
abstract class DecisionEvent extends FlightEvent {
  @Label("Kind")
  @Description("CONNECTION, REQUEST or DIAL")
  @Nullable String kind;

  @Label("Direction")
  @Description("INBOUND or OUTBOUND")
  @Nullable String direction;

  @Label("Source")
  @Description("The SPIFFE id of the caller; null if it proved none")
  @Nullable String source;

  @Label("Target")
  @Description("The service that is called")
  @Nullable String target;

  @Label("Remote Address")
  @Nullable String remote;

  @Label("Action")
  @Description("ALLOW or DENY")
  @Nullable String action;

  @Label("Rule")
  @Description("The intention that decided; null where the default, a defect or the identity did")
  @Nullable String rule;

  @Label("Permission")
  @Description("The index of the permission that decided, from 0; -1 for none")
  int permission = -1;

  @Label("Policy Version")
  long policyVersion;

  @Label("Method")
  @Nullable String method;

  @Label("Path")
  @Description("The judged path, without its query")
  @Nullable String path;

  /** Who asked whom. */
  public void between(
      String own, String what, String way, @Nullable String from, String to, @Nullable String at) {
    service = own;
    kind = what;
    direction = way;
    source = from;
    target = to;
    remote = at;
  }

  /** What was asked, where it is a request. */
  public void about(String requestMethod, String requestPath) {
    method = requestMethod;
    path = OneLine.of(requestPath);
  }

  /** By which rule. */
  public void by(long version, @Nullable String deciding, int permissionIndex) {
    policyVersion = version;
    rule = deciding == null ? null : OneLine.of(deciding);
    permission = permissionIndex;
  }
}
