package io.meshnative.micrometer;

import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshEvent;
import io.meshnative.MeshObserver;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.SpiffeId;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How long dials and handshakes take. */
final class ConnectionTimers implements MeshObserver {
  /** A handshake of BoringSSL takes a millisecond; the longest dial, ten seconds by default. */
  private static final Duration[] BUCKETS =
      java.util.stream.LongStream.of(
              1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
          .mapToObj(Duration::ofMillis)
          .toArray(Duration[]::new);

  private final MeterRegistry registry;
  private final Tags tags;
  private final Destinations destinations;

  ConnectionTimers(MeterRegistry registry, Tags tags, Destinations destinations) {
    this.registry = registry;
    this.tags = tags;
    this.destinations = destinations;
  }

  @Override
  public DialObserver onDial(Destination destination) {
    return new TimedDial(destination);
  }

  @Override
  public DialObserver onAdapterDial(Destination destination) {
    return new TimedDial(destination);
  }

  @Override
  public @Nullable HandshakeObserver onHandshake(Handshake handshake) {
    return new TimedHandshake(handshake.direction());
  }

  private void record(String name, String description, Tags tagged, long begun) {
    Timer.builder(name)
        .description(description)
        .tags(tagged)
        .serviceLevelObjectives(BUCKETS)
        .register(registry)
        .record(System.nanoTime() - begun, TimeUnit.NANOSECONDS);
  }

  private final class TimedDial implements DialObserver {
    private final Destination destination;
    private final long begun = System.nanoTime();

    TimedDial(Destination destination) {
      this.destination = destination;
    }

    @Override
    public void connected() {
      end(destinations.nameOfExisting(destination), "connected");
    }

    @Override
    public void failed(Throwable failure) {
      end(
          destinations.nameOf(destination),
          failure instanceof MeshAuthorizationException ? "denied" : "failed");
    }

    @Override
    public void givenUp() {
      end(destinations.nameOf(destination), "abandoned");
    }

    private void end(String name, String outcome) {
      record(
          "mesh.dial",
          "Dials, with all their attempts",
          tags.and("destination", name, "outcome", outcome),
          begun);
    }
  }

  private final class TimedHandshake implements HandshakeObserver {
    private final String direction;
    private final long begun = System.nanoTime();

    TimedHandshake(MeshEvent.Direction direction) {
      this.direction = direction.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public void completed(Agreement done) {
      end("completed");
    }

    @Override
    public void ended(Outcome outcome, Optional<SpiffeId> peer, String reason) {
      end(outcome.name().toLowerCase(Locale.ROOT));
    }

    private void end(String outcome) {
      record(
          "mesh.handshake",
          "TLS handshakes, from the first byte until the peer was let in or refused",
          tags.and("direction", direction, "outcome", outcome),
          begun);
    }
  }
}
