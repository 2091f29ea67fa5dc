package io.meshnative.micrometer;

import io.meshnative.MeshObserver;
import io.micrometer.observation.Observation;
import org.jspecify.annotations.Nullable;

/** What an observation of a TLS handshake knows; for conventions and handlers. */
public final class MeshHandshakeContext extends Observation.Context {
  private final String service;
  private final MeshObserver.Handshake handshake;
  private volatile MeshObserver.@Nullable Agreement agreement;
  private volatile String outcome = "abandoned";

  MeshHandshakeContext(String service, MeshObserver.Handshake handshake) {
    this.service = service;
    this.handshake = handshake;
  }

  /**
   * Returns whose client shakes hands.
   *
   * @return the own service's name
   */
  public String service() {
    return service;
  }

  /**
   * Returns whose handshake it is.
   *
   * @return direction, destination and address
   */
  public MeshObserver.Handshake handshake() {
    return handshake;
  }

  /**
   * Returns what was agreed on.
   *
   * @return the agreement; null unless the handshake completed
   */
  public MeshObserver.@Nullable Agreement agreement() {
    return agreement;
  }

  /**
   * Returns how it ended.
   *
   * @return {@code completed}, {@code refused}, {@code failed} or {@code abandoned}, which it also
   *     is before the end
   */
  public String outcome() {
    return outcome;
  }

  void agreed(MeshObserver.Agreement done) {
    agreement = done;
    outcome = "completed";
  }

  void outcome(String how) {
    outcome = how;
  }
}
