package io.meshnative.internal.consul;

import io.meshnative.consul.ConsulConfig;
import java.util.random.RandomGenerator;

/**
 * What the sources of one control plane share.
 *
 * @param config how to reach the agent
 * @param client makes the calls
 * @param service the own service's name
 * @param clock time
 * @param random chance
 * @param timing how long a leaf may lag behind its root
 */
record Wiring(
    ConsulConfig config,
    AgentClient client,
    String service,
    WatchClock clock,
    RandomGenerator random,
    LeafGuard.Timing timing) {

  Wiring(
      ConsulConfig config,
      AgentClient client,
      String service,
      WatchClock clock,
      RandomGenerator random) {
    this(config, client, service, clock, random, LeafGuard.Timing.DEFAULT);
  }

  Pace steady() {
    return Pace.steady(clock, random);
  }

  Pace prompt() {
    return Pace.prompt(clock, random);
  }

  /** Starts a daemon thread for a watch. */
  WatchThread start(String what, Calls calls, WatchThread.Step step) {
    return WatchThread.start("mesh-" + service + "-" + what, calls, clock, step);
  }

  String namespace() {
    return config.namespace().orElse("default");
  }

  String partition() {
    return config.partition().orElse("default");
  }
}
