package io.meshnative.micrometer;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.micrometer.observation.Observation;
import org.jspecify.annotations.Nullable;

/** What an observation of a dial knows; for conventions and handlers. */
public final class MeshDialContext extends Observation.Context {
  private final String service;
  private final Destination destination;
  private volatile @Nullable Endpoint endpoint;
  private volatile int attempts;
  private volatile String outcome = "failed";

  MeshDialContext(String service, Destination destination) {
    this.service = service;
    this.destination = destination;
  }

  /**
   * Returns who dials.
   *
   * @return the own service's name
   */
  public String service() {
    return service;
  }

  /**
   * Returns who is dialled.
   *
   * @return the destination
   */
  public Destination destination() {
    return destination;
  }

  /**
   * Returns the endpoint that was tried last, which is the one connected to if the dial succeeded.
   *
   * @return the endpoint; null before the first attempt
   */
  public @Nullable Endpoint endpoint() {
    return endpoint;
  }

  /**
   * Returns how many endpoints were tried.
   *
   * @return the number, so far
   */
  public int attempts() {
    return attempts;
  }

  /**
   * Returns how the dial ended.
   *
   * @return {@code connected}, {@code denied} (by the intentions held here) or {@code failed},
   *     which it also is before the end
   */
  public String outcome() {
    return outcome;
  }

  /** On the one thread that dials. */
  void tries(Endpoint tried) {
    endpoint = tried;
    attempts = attempts + 1;
  }

  void outcome(String how) {
    outcome = how;
  }
}
