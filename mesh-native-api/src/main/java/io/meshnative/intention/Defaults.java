package io.meshnative.intention;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** The decisions where no rule decides. */
final class Defaults {
  private Defaults() {}

  /**
   * Returns what the default says.
   *
   * @param why why it comes to the default
   * @param rule the intention that {@code why} speaks of, if any; it did not decide
   * @param defaultDecision the default
   */
  static Decision decision(String why, @Nullable Intention rule, DefaultDecision defaultDecision) {
    return switch (defaultDecision) {
      case ALLOW ->
          new Decision.Allowed(
              new Reason(why, rule, ", and the default is allow"), null, OptionalInt.empty());
      case DENY ->
          denied(Decision.Cause.DEFAULT, new Reason(why, rule, ", and the default is deny"));
      case UNKNOWN ->
          denied(
              Decision.Cause.DEFAULT_UNKNOWN,
              new Reason(
                  why,
                  rule,
                  ", and the control plane has not told its default yet; check that the token may"
                      + " read intentions"));
    };
  }

  static Decision.Denied denied(Decision.Cause cause, Reason reason) {
    return new Decision.Denied(cause, reason, null, OptionalInt.empty(), null);
  }
}
