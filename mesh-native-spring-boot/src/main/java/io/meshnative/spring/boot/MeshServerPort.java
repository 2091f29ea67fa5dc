package io.meshnative.spring.boot;

import java.util.Collection;
import java.util.OptionalInt;

/**
 * A server of the mesh that the application runs, as registration and tests ask for it.
 *
 * <p>The port is also the property {@code local.mesh.port} once the server listens.
 */
@FunctionalInterface
public interface MeshServerPort {
  /**
   * Returns where it listens.
   *
   * @return the port; 0 or less while it does not
   */
  int port();

  /**
   * Finds the one that listens: where the class path holds several web servers, one of them runs.
   *
   * @param servers all that there may be
   * @return the port of the first one that listens
   */
  static OptionalInt listening(Collection<MeshServerPort> servers) {
    return servers.stream().mapToInt(MeshServerPort::port).filter(port -> port > 0).findFirst();
  }
}
