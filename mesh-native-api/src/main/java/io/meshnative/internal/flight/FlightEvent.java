package io.meshnative.internal.flight;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * What all events of this library have. Names and fields are contracts: dashboards hang on them.
 */
@Category({"Service Mesh", "mesh-native"})
@StackTrace(false)
abstract class FlightEvent extends Event {
  @Label("Service")
  @Description("The service whose client recorded this")
  @Nullable String service;
}
