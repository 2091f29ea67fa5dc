package io.meshnative.spi;

import io.meshnative.discovery.Registration;
import java.io.IOException;

/** Enters the service into the catalog and takes it out again. */
public interface Registrar {

  /**
   * Registers, and keeps the entry alive until {@link #deregister()}. Blocks on the control plane.
   *
   * @param registration what to enter; its port is known
   * @throws IOException if the control plane refuses or does not answer
   */
  void register(Registration registration) throws IOException;

  /**
   * Takes the entry out again. Does nothing where nothing was registered. Blocks on the control
   * plane for a few seconds at most.
   *
   * @throws IOException if the control plane refuses or does not answer
   */
  void deregister() throws IOException;
}
