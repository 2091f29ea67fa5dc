package io.meshnative.jdbc;

import java.time.Duration;
import java.util.Objects;

/**
 * Why connections of a pool have to go.
 *
 * @param cause the kind of reason
 * @param within how long it may take; zero for at once
 * @param reason the reason, for people
 */
public record Invalidation(Cause cause, Duration within, String reason) {
  /** The kinds of reasons. */
  public enum Cause {
    /** The right to call was withdrawn, or the own identity has ended: the sockets are cut next. */
    WITHDRAWN,
    /** An endpoint has left the catalog, or is not healthy any more. */
    ENDPOINT_LEFT,
    /** Certificates have been renewed, and those of old connections end some time. */
    ROTATED,
    /** The database's user is another one now, and the old one ends some time. */
    CREDENTIALS_CHANGED
  }

  /** Checks the parts. */
  public Invalidation {
    Objects.requireNonNull(cause, "cause");
    Objects.requireNonNull(reason, "reason");
    if (within.isNegative()) {
      throw new IllegalArgumentException("expected a time of zero or more, found " + within);
    }
  }
}
