package io.meshnative.internal.flight;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import jdk.jfr.FlightRecorder;
import org.junit.jupiter.api.Test;

/** What nobody records costs nothing that a garbage collector would see. */
class FlightCostTest {
  private static final int CALLS = 200_000;

  private static final Map<String, Supplier<Object>> DOORS =
      Map.of(
          "rotation", Flight::rotation,
          "policyChange", Flight::policyChange,
          "handshake", Flight::handshake,
          "dial", Flight::dial,
          "denied", Flight::denied,
          "allowed", Flight::allowed,
          "revocation", Flight::revocation,
          "controlPlaneError", Flight::controlPlaneError);

  @Test
  void anEventThatNobodyRecordsAllocatesNothing() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    assertThat(
            FlightRecorder.isInitialized()
                ? FlightRecorder.getFlightRecorder().getRecordings()
                : List.of())
        .as("recordings that run")
        .isEmpty();
    DOORS.forEach((name, door) -> {
      long made = calls(door); // loads the classes
      long before = threads.getCurrentThreadAllocatedBytes();
      made += calls(door);
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(made).as(name).isZero();
      // Interpreted or compiled: an object a call would be 3,200,000 bytes and more.
      assertThat(bytes).as("bytes of " + CALLS + " calls of " + name).isLessThan(CALLS / 10);
    });
  }

  private static long calls(Supplier<Object> door) {
    long made = 0;
    for (int i = 0; i < CALLS; i++) {
      if (door.get() != null) {
        made++;
      }
    }
    return made;
  }
}
