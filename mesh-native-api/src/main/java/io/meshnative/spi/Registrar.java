package io.meshnative.spi;

import io.meshnative.discovery.Check;
import io.meshnative.discovery.Registration;
import java.io.IOException;
import java.time.Duration;

/** Enters the service into the catalog, keeps it there and takes it out again. */
public interface Registrar {

  /**
   * Registers. Registering again replaces what was registered, its checks included. Blocks on the
   * control plane.
   *
   * @param registration what to enter; its port is known
   * @throws IOException if the control plane refuses or does not answer
   */
  void register(Registration registration) throws IOException;

  /**
   * Reports how the service is, and enters it again where the control plane has forgotten it. The
   * client calls this after {@link #register}, as often as it is asked to, at once when the status
   * changes, and sooner after a failure. Blocks on the control plane.
   *
   * @param status passing or critical
   * @param note why, for people
   * @return after what time to report again
   * @throws IOException if the control plane refuses or does not answer; it is tried again
   */
  default Duration keepAlive(Check.Status status, String note) throws IOException {
    return Duration.ofMinutes(1);
  }

  /**
   * Switches maintenance mode: the service stays entered, but is not found. Does nothing where
   * nothing is registered. Blocks on the control plane for a few seconds at most.
   *
   * @param on whether the service is to be hidden
   * @param reason why, for people
   * @return whether it is hidden, or found, now; false where this control plane has no such mode
   * @throws IOException if the control plane refuses or does not answer
   */
  default boolean maintenance(boolean on, String reason) throws IOException {
    return false;
  }

  /**
   * Takes the entry out again. Does nothing where nothing was registered. Blocks on the control
   * plane for a few seconds at most.
   *
   * @throws IOException if the control plane refuses or does not answer
   */
  void deregister() throws IOException;
}
