package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.consul.ConsulConfig;
import java.security.SecureRandom;
import java.time.Duration;

/**
 * Opens the adapter to an agent with the guard of its leaf in a hurry, so that tests need not wait
 * the minutes that it gives an agent.
 */
public final class ImpatientAgent {
  private static final LeafGuard.Timing QUICK =
      new LeafGuard.Timing(Duration.ofSeconds(1), Duration.ofMillis(500), Duration.ofMillis(200));

  private ImpatientAgent() {}

  /**
   * Opens it.
   *
   * @param config how to reach the agent
   * @param service the own service's name
   * @return the control plane; close it after use
   * @throws ControlPlaneException if the configuration cannot be used
   */
  public static ConsulControlPlane open(ConsulConfig config, String service)
      throws ControlPlaneException {
    return ConsulControlPlane.open(config, service, WatchClock.SYSTEM, new SecureRandom(), QUICK);
  }
}
