package io.meshnative.internal.transport;

import io.meshnative.MeshEvent;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** The destinations in use. A watch starts with the first use and stops after idling. */
public final class Upstreams implements AutoCloseable {
  private static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(10);

  private final EndpointSource source;
  private final Supplier<Instant> now;
  private final Callbacks callbacks;
  private final Consumer<MeshEvent> events;
  private final Map<Destination, Upstream> upstreams = new ConcurrentHashMap<>();
  private volatile boolean closed;

  public Upstreams(
      EndpointSource source, Supplier<Instant> now, Executor executor, Consumer<MeshEvent> events) {
    this.source = source;
    this.now = now;
    this.callbacks = new Callbacks(executor);
    this.events = events;
  }

  /** Used: whoever asks shortly before it would idle away keeps it. */
  Upstream use(Destination destination) {
    Upstream held = upstreams.get(destination);
    if (held != null && !held.isIdle(IDLE_NANOS / 2)) {
      held.touch();
      return held;
    }
    Upstream used =
        upstreams.compute(
            destination,
            (d, present) -> {
              Upstream upstream = present;
              if (upstream == null) {
                upstream = new Upstream(d, now, callbacks, events);
                if (closed) {
                  upstream.end();
                } else {
                  upstream.start(source);
                }
              }
              upstream.touch();
              return upstream;
            });
    if (closed) {
      used.end(); // closed meanwhile: close() may not have seen it
    }
    return used;
  }

  public List<Endpoint> endpoints(Destination destination) {
    Upstream upstream = use(destination);
    upstream.pool();
    return upstream.endpoints().map(EndpointSet::endpoints).orElse(List.of());
  }

  /** Whether an endpoint is known as one of a destination; watches nothing for it. */
  boolean offers(Destination destination, Endpoint endpoint) {
    Upstream held = upstreams.get(destination);
    return held != null
        && held.endpoints().map(set -> set.endpoints().contains(endpoint)).orElse(false);
  }

  public Subscription watch(Destination destination, Consumer<EndpointSet> consumer) {
    return use(destination).subscribe(consumer);
  }

  public Map<Destination, EndpointSet> snapshot() {
    Map<Destination, EndpointSet> known = new HashMap<>();
    upstreams.forEach((destination, upstream) ->
        upstream.endpoints().ifPresent(set -> known.put(destination, set)));
    return known;
  }

  /** Stops what nobody uses; called by a timer. */
  public void tick() {
    for (Destination destination : upstreams.keySet()) {
      List<Upstream> idle = new ArrayList<>(1);
      upstreams.computeIfPresent(
          destination,
          (d, upstream) -> {
            if (!upstream.isIdle(IDLE_NANOS)) {
              return upstream;
            }
            idle.add(upstream);
            return null;
          });
      idle.forEach(Upstream::stop);
    }
  }

  /** Stops every watch; whoever waits for endpoints is told, now and later. */
  @Override
  public void close() {
    closed = true;
    upstreams.values().forEach(Upstream::end);
    upstreams.clear();
  }
}
