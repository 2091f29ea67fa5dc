package io.meshnative.internal.consul;

import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.spi.EndpointSource;
import io.meshnative.spi.Sink;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Watches upstreams, which share the {@link Slots}. */
final class Endpoints implements EndpointSource {
  private final Wiring wiring;
  private final Roots roots;
  private final Leaf leaf;
  private final Slots slots;
  private final Set<Upstream> upstreams = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  Endpoints(Wiring wiring, Roots roots, Leaf leaf) {
    this.wiring = wiring;
    this.roots = roots;
    this.leaf = leaf;
    this.slots = new Slots(wiring);
  }

  @Override
  public Watch watch(Destination destination, Sink<EndpointSet> sink) {
    Upstream upstream =
        new Upstream(wiring, roots, leaf, slots, destination, sink, upstreams::remove);
    if (closed) {
      return upstream;
    }
    upstreams.add(upstream);
    roots.ensureStarted();
    upstream.begin();
    if (closed) {
      upstream.close(); // closed meanwhile: close() may not have seen it
    }
    return upstream;
  }

  /** The number of targets that block, and of those that take turns. */
  int[] load() {
    return slots.load();
  }

  @Override
  public void close() {
    closed = true;
    upstreams.forEach(Upstream::cancel); // all first, then each is waited for
    slots.close();
    upstreams.forEach(Upstream::close);
  }
}
