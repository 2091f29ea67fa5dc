package io.meshnative.internal.flight;

import org.jspecify.annotations.Nullable;

/**
 * The door to the flight recorder. Each method gives an event that has begun, or null where nobody
 * records that event; so what is not recorded costs a call and a branch, and allocates nothing.
 *
 * <p>A Java runtime may lack the module {@code jdk.jfr}: images made by {@code jlink}, some virtual
 * machines. The event classes cannot be loaded there, and nothing but the methods below, behind the
 * one constant, ever makes the JVM load them. So no lambda may capture an event: the JVM loads the
 * types that a lambda captures where the lambda is made, event or null.
 */
public final class Flight {
  private static final boolean PRESENT = isPresent();

  private Flight() {}

  private static boolean isPresent() {
    try {
      Class.forName("jdk.jfr.Event", false, Flight.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  public static @Nullable RotationEvent rotation() {
    return PRESENT && RotationEvent.isRecorded() ? RotationEvent.begun() : null;
  }

  public static @Nullable PolicyChangeEvent policyChange() {
    return PRESENT && PolicyChangeEvent.isRecorded() ? PolicyChangeEvent.begun() : null;
  }

  public static @Nullable HandshakeEvent handshake() {
    return PRESENT && HandshakeEvent.isRecorded() ? HandshakeEvent.begun() : null;
  }

  public static @Nullable DialEvent dial() {
    return PRESENT && DialEvent.isRecorded() ? DialEvent.begun() : null;
  }

  public static @Nullable DeniedEvent denied() {
    return PRESENT && DeniedEvent.isRecorded() ? new DeniedEvent() : null;
  }

  public static @Nullable AllowedEvent allowed() {
    return PRESENT && AllowedEvent.isRecorded() ? new AllowedEvent() : null;
  }

  public static @Nullable RevocationEvent revocation() {
    return PRESENT && RevocationEvent.isRecorded() ? RevocationEvent.begun() : null;
  }

  public static @Nullable ControlPlaneErrorEvent controlPlaneError() {
    return PRESENT && ControlPlaneErrorEvent.isRecorded() ? new ControlPlaneErrorEvent() : null;
  }
}
