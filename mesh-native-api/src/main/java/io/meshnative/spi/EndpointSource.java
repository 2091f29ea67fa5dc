package io.meshnative.spi;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;

/** Supplies the endpoints of destinations. */
public interface EndpointSource extends AutoCloseable {

  /**
   * Starts watching a destination. Returns at once.
   *
   * @param destination the destination
   * @param sink takes each new set
   * @return stops this watch when closed; closing is idempotent
   */
  Watch watch(Destination destination, Sink<EndpointSet> sink);

  /** Stops all watches and releases everything. Idempotent. */
  @Override
  void close();

  /** A running watch. */
  interface Watch extends AutoCloseable {
    /** Stops the watch. Idempotent. */
    @Override
    void close();
  }
}
