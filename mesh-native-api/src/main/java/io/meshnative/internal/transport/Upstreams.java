package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The destinations in use. A watch starts with the first use and stops after idling. */
public final class Upstreams implements AutoCloseable {
  private static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(10);

  private final EndpointSource source;
  private final Supplier<Instant> now;
  private final Consumer<MeshEvent> events;
  private final Map<Destination, Upstream> upstreams = new ConcurrentHashMap<>();

  public Upstreams(EndpointSource source, Supplier<Instant> now, Consumer<MeshEvent> events) {
    this.source = source;
    this.now = now;
    this.events = events;
  }

  Upstream use(Destination destination) {
    Upstream held = upstreams.get(destination);
    if (held != null) {
      return held;
    }
    return upstreams.computeIfAbsent(
        destination,
        d -> {
          Upstream fresh = new Upstream(d, now, events);
          fresh.start(source);
          return fresh;
        });
  }

  public List<Endpoint> endpoints(Destination destination) {
    Upstream upstream = use(destination);
    upstream.pool();
    return upstream.endpoints().map(EndpointSet::endpoints).orElse(List.of());
  }

  public Subscription watch(Destination destination, Consumer<EndpointSet> consumer) {
    return use(destination).subscribe(consumer);
  }

  public Map<Destination, EndpointSet> snapshot() {
    Map<Destination, EndpointSet> known = new HashMap<>();
    upstreams.forEach(
        (destination, upstream) -> upstream.endpoints().ifPresent(set -> known.put(destination, set)));
    return known;
  }

  /** Stops what nobody uses; called by a timer. */
  public void tick() {
    upstreams.forEach(
        (destination, upstream) -> {
          if (upstream.isIdle(IDLE_NANOS) && upstreams.remove(destination, upstream)) {
            upstream.stop();
          }
        });
  }

  @Override
  public void close() {
    upstreams.values().forEach(Upstream::stop);
    upstreams.clear();
  }
}
