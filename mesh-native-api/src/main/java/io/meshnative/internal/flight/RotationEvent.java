package io.meshnative.internal.flight;

import java.time.Instant;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timestamp;
import org.jspecify.annotations.Nullable;

/** A new identity or new roots; lasts until every live connection has been judged again. */
@Name("io.meshnative.Rotation")
@Label("Identity or Roots Changed")
@Description("A new trust epoch: from its publication until all live connections were judged by it")
public final class RotationEvent extends FlightEvent {
  private static final RotationEvent PROBE = new RotationEvent();

  @Label("Old Generation")
  @Description("The trust generation before; 0 if there was none")
  long oldGeneration;

  @Label("New Generation")
  long newGeneration;

  @Label("Identity")
  @Description("The own SPIFFE id")
  @Nullable String identity;

  @Label("Not After")
  @Description("When the own leaf certificate ends")
  @Timestamp(Timestamp.MILLISECONDS_SINCE_EPOCH)
  long notAfter;

  @Label("Roots")
  @Description("How many roots are trusted now")
  int roots;

  private RotationEvent() {}

  static boolean isRecorded() {
    return PROBE.isEnabled();
  }

  static RotationEvent begun() {
    RotationEvent event = new RotationEvent();
    event.begin();
    return event;
  }

  /** Records the epoch that was published. */
  public void end(
      String own, long from, long to, String id, Instant leafNotAfter, int trustedRoots) {
    service = own;
    oldGeneration = from;
    newGeneration = to;
    identity = id;
    notAfter = leafNotAfter.toEpochMilli();
    roots = trustedRoots;
    commit();
  }
}
