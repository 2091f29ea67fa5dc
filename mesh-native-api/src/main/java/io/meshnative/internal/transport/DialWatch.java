package io.meshnative.internal.transport;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshObserver;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.internal.flight.DialEvent;
import io.meshnative.internal.flight.Flight;
import io.meshnative.internal.tls.Observers;
import org.jspecify.annotations.Nullable;

/**
 * Those who want to know of one dial: the flight recorder, observers, or both. There is none where
 * nobody does.
 */
final class DialWatch {
  private final String service;
  private final Destination destination;
  private final @Nullable DialEvent event;
  private final MeshObserver.@Nullable DialObserver observer;

  private DialWatch(
      String service,
      Destination destination,
      @Nullable DialEvent event,
      MeshObserver.@Nullable DialObserver observer) {
    this.service = service;
    this.destination = destination;
    this.event = event;
    this.observer = observer;
  }

  /** A dial begins; null where nobody wants to know. */
  static @Nullable DialWatch begin(String service, Destination destination, Observers observers) {
    DialEvent event = Flight.dial();
    MeshObserver.DialObserver observer = observers.dial(destination);
    return event == null && observer == null
        ? null
        : new DialWatch(service, destination, event, observer);
  }

  /** An endpoint is tried. */
  void tries(Endpoint endpoint) {
    if (event != null) {
      event.tries(endpoint.address());
    }
    if (observer != null) {
      observer.tries(endpoint);
    }
  }

  void connected() {
    if (event != null) {
      event.end(service, destination.toString(), "connected", null);
    }
    if (observer != null) {
      observer.connected();
    }
  }

  void failed(Throwable failure) {
    if (event != null) {
      event.end(
          service,
          destination.toString(),
          failure instanceof MeshAuthorizationException ? "denied" : "failed",
          String.valueOf(failure.getMessage()));
    }
    if (observer != null) {
      observer.failed(failure);
    }
  }
}
