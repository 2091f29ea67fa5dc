package io.meshnative;

import io.meshnative.discovery.Destination;

/**
 * Hears that the connections to a destination are about to be cut. At that moment new dials are
 * denied already; after the listeners have returned, or one second has passed, the connections are
 * closed. Pools evict here.
 */
@FunctionalInterface
public interface RetireListener {
  /**
   * Takes the news.
   *
   * @param destination the destination
   * @param reason why, with the rule
   */
  void onRetire(Destination destination, MeshException reason);
}
