package io.meshnative.micrometer;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshObserver;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.identity.SpiffeId;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Makes Micrometer observations, and by them spans, of the dials of a mesh client and of the TLS
 * handshakes in them.
 *
 * <pre>{@code
 * Subscription observing = MeshObservations.of(mesh, registry).start();
 * }</pre>
 *
 * <p>Only what is done inside another observation is observed: a dial inside a traced request is a
 * child span of it, and its handshake a child of the dial; a handshake of a client that connects by
 * itself, such as OkHttp, is a child of the request. What pools and servers do on threads of their
 * own belongs to no request, and would be a trace of one span: {@link MeshMeterBinder} counts it.
 *
 * <p>Names and key values are those of {@link MeshDialObservationConvention} and {@link
 * MeshHandshakeObservationConvention}; replace them here or, as everywhere in Micrometer, by a
 * global convention of the registry. Needs {@code micrometer-observation}. Immutable and
 * thread-safe.
 */
public final class MeshObservations {
  private final MeshClient mesh;
  private final ObservationRegistry registry;
  private final @Nullable MeshDialObservationConvention dials;
  private final @Nullable MeshHandshakeObservationConvention handshakes;

  private MeshObservations(
      MeshClient mesh,
      ObservationRegistry registry,
      @Nullable MeshDialObservationConvention dials,
      @Nullable MeshHandshakeObservationConvention handshakes) {
    this.mesh = mesh;
    this.registry = registry;
    this.dials = dials;
    this.handshakes = handshakes;
  }

  /**
   * Prepares the observations of a client.
   *
   * @param mesh the client; not closed by this
   * @param registry where they go
   * @return observations with the default conventions, which have not begun
   */
  public static MeshObservations of(MeshClient mesh, ObservationRegistry registry) {
    return new MeshObservations(
        Objects.requireNonNull(mesh, "mesh"),
        Objects.requireNonNull(registry, "registry"),
        null,
        null);
  }

  /**
   * Returns these observations with another convention for dials.
   *
   * @param convention names them
   * @return a copy
   */
  public MeshObservations withDialConvention(MeshDialObservationConvention convention) {
    return new MeshObservations(
        mesh, registry, Objects.requireNonNull(convention, "convention"), handshakes);
  }

  /**
   * Returns these observations with another convention for handshakes.
   *
   * @param convention names them
   * @return a copy
   */
  public MeshObservations withHandshakeConvention(MeshHandshakeObservationConvention convention) {
    return new MeshObservations(
        mesh, registry, dials, Objects.requireNonNull(convention, "convention"));
  }

  /**
   * Begins to observe.
   *
   * @return ends it
   */
  public Subscription start() {
    return mesh.observe(new Observer());
  }

  private final class Observer implements MeshObserver {
    @Override
    public @Nullable DialObserver onDial(Destination destination) {
      return registry.getCurrentObservation() == null ? null : new Dial(destination);
    }

    @Override
    public @Nullable HandshakeObserver onHandshake(Handshake handshake) {
      return handshake.direction() == MeshEvent.Direction.INBOUND
              || registry.getCurrentObservation() == null
          ? null
          : new Shake(handshake);
    }
  }

  /** All on one thread: so the scope, in which the handshake finds its parent, is closed on it. */
  private final class Dial implements MeshObserver.DialObserver {
    private final MeshDialContext context;
    private final Observation observation;
    private final Observation.Scope scope;

    Dial(Destination destination) {
      context = new MeshDialContext(mesh.service(), destination);
      observation =
          Observation.start(dials, MeshDialObservationConvention.DEFAULT, () -> context, registry);
      scope = observation.openScope();
    }

    @Override
    public void tries(Endpoint endpoint) {
      context.tries(endpoint);
    }

    @Override
    public void connected() {
      context.outcome("connected");
      stop();
    }

    @Override
    public void failed(Throwable failure) {
      context.outcome(failure instanceof MeshAuthorizationException ? "denied" : "failed");
      observation.error(failure);
      stop();
    }

    @Override
    public void givenUp() {
      stop();
    }

    private void stop() {
      scope.close();
      observation.stop();
    }
  }

  private final class Shake implements MeshObserver.HandshakeObserver {
    private final MeshHandshakeContext context;
    private final Observation observation;

    Shake(MeshObserver.Handshake handshake) {
      context = new MeshHandshakeContext(mesh.service(), handshake);
      observation =
          Observation.start(
              handshakes, MeshHandshakeObservationConvention.DEFAULT, () -> context, registry);
    }

    @Override
    public void completed(MeshObserver.Agreement done) {
      context.agreed(done);
      observation.stop();
    }

    @Override
    public void ended(MeshObserver.Outcome outcome, Optional<SpiffeId> peer, String reason) {
      context.outcome(outcome.name().toLowerCase(Locale.ROOT));
      observation.event(Observation.Event.of(context.outcome(), reason));
      observation.stop();
    }
  }
}
