package io.meshnative.micrometer;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import io.meshnative.MeshState;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * Binds what a mesh client knows and does to a Micrometer registry.
 *
 * <pre>{@code
 * MeshMeterBinder meters = new MeshMeterBinder(mesh);
 * meters.bindTo(registry);
 * }</pre>
 *
 * <table>
 *   <caption>Meters; each has the tag {@code service}</caption>
 *   <tr><th>Name</th><th>Kind, unit</th><th>Tags</th><th>What</th></tr>
 *   <tr><td>{@code mesh.state}</td><td>gauge</td><td>{@code state}</td><td>1 for the state in which
 *       the client is, else 0</td></tr>
 *   <tr><td>{@code mesh.identity.expiry}</td><td>gauge, seconds</td><td></td><td>until the own leaf
 *       ends; negative afterwards, NaN before the first</td></tr>
 *   <tr><td>{@code mesh.trust.changes}</td><td>counter</td><td></td><td>new identities and roots put
 *       into force</td></tr>
 *   <tr><td>{@code mesh.policy.changes}</td><td>counter</td><td></td><td>new intentions put into
 *       force</td></tr>
 *   <tr><td>{@code mesh.policy.defective}</td><td>gauge</td><td></td><td>1 while everything is denied
 *       because the intentions cannot be applied</td></tr>
 *   <tr><td>{@code mesh.intentions}</td><td>gauge</td><td></td><td>intentions that concern
 *       callers</td></tr>
 *   <tr><td>{@code mesh.handshakes}</td><td>counter</td><td>{@code kind} full, resumed</td>
 *       <td>handshakes done</td></tr>
 *   <tr><td>{@code mesh.connections.active}</td><td>gauge</td><td>{@code direction}, {@code
 *       destination}, which is {@code none} for inbound</td><td>live connections</td></tr>
 *   <tr><td>{@code mesh.endpoints}</td><td>gauge</td><td>{@code destination}</td><td>healthy
 *       endpoints</td></tr>
 *   <tr><td>{@code mesh.authorization.denied}</td><td>counter</td><td>{@code direction}</td><td>peers
 *       and requests refused</td></tr>
 *   <tr><td>{@code mesh.connections.withdrawn}</td><td>counter</td><td>{@code direction}</td>
 *       <td>connections and requests ended because their right was withdrawn</td></tr>
 *   <tr><td>{@code mesh.control.plane.failures}</td><td>counter</td><td>{@code source} identity,
 *       trust, intentions, endpoints, registration</td><td>failures, each told once until it
 *       recovers</td></tr>
 *   <tr><td>{@code mesh.updates.refused}</td><td>counter</td><td>{@code source}, as above</td>
 *       <td>what the control plane sent and could not be used</td></tr>
 *   <tr><td>{@code mesh.audit.dropped}</td><td>counter</td><td></td><td>records that a slow audit
 *       sink missed</td></tr>
 * </table>
 *
 * <p>No tag holds a SPIFFE id: their number has no bound. Reading a gauge takes a {@link
 * MeshClient#snapshot} at most once a second. Thread-safe.
 */
public final class MeshMeterBinder implements MeterBinder, AutoCloseable {
  private static final Set<String> SOURCES =
      Set.of("identity", "trust", "intentions", "registration", "audit");
  private static final String ENDPOINTS = "endpoints";
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final MeshClient mesh;
  private final Tags tags;
  private final Clock clock;
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private volatile Seen seen;

  private record Seen(MeshSnapshot snapshot, long at) {}

  /**
   * Makes a binder with the system's clock.
   *
   * @param mesh the client; not closed by this
   */
  public MeshMeterBinder(MeshClient mesh) {
    this(mesh, Clock.systemUTC());
  }

  /**
   * Makes a binder.
   *
   * @param mesh the client; not closed by this
   * @param clock tells how long the identity still lasts
   */
  public MeshMeterBinder(MeshClient mesh, Clock clock) {
    this.mesh = mesh;
    this.clock = clock;
    this.tags = Tags.of("service", mesh.service());
    this.seen = new Seen(mesh.snapshot(), System.nanoTime());
  }

  /**
   * Registers the meters. They hold the client until the binder is closed and the meters are
   * removed.
   *
   * @param registry where
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    for (MeshState state : MeshState.values()) {
      Gauge.builder("mesh.state", () -> mesh.state() == state ? 1 : 0)
          .description("1 for the state in which the client is")
          .tags(tags.and("state", lower(state)))
          .register(registry);
    }
    TimeGauge.builder("mesh.identity.expiry", this::expirySeconds, TimeUnit.SECONDS)
        .description("Time until the own leaf ends")
        .tags(tags)
        .register(registry);
    gauge(
        registry,
        "mesh.policy.defective",
        "1 while the intentions cannot be applied",
        tags,
        now -> now.policyDefect().isPresent() ? 1 : 0);
    gauge(
        registry,
        "mesh.intentions",
        "Intentions that concern callers",
        tags,
        MeshSnapshot::inboundIntentions);
    gauge(
        registry,
        "mesh.connections.active",
        "Live connections",
        tags.and("direction", "inbound", "destination", "none"),
        now -> live(now, MeshEvent.Direction.INBOUND));
    counter(
        registry,
        "mesh.handshakes",
        "Handshakes done",
        tags.and("kind", "full"),
        MeshSnapshot::fullHandshakes);
    counter(
        registry,
        "mesh.handshakes",
        "Handshakes done",
        tags.and("kind", "resumed"),
        MeshSnapshot::resumedHandshakes);
    counter(
        registry,
        "mesh.audit.dropped",
        "Records that a slow audit sink missed",
        tags,
        MeshSnapshot::auditDropped);
    Counted counted = new Counted(registry);
    subscriptions.add(mesh.subscribe(counted::heard));
    mesh.snapshot().endpoints().keySet().forEach(counted::destination);
  }

  /** Hears no more events; the meters stay in the registry. */
  @Override
  public void close() {
    subscriptions.forEach(Subscription::close);
    subscriptions.clear();
  }

  private static double live(MeshSnapshot now, MeshEvent.Direction direction) {
    return now.connections().stream().filter(each -> each.direction() == direction).count();
  }

  private double expirySeconds() {
    return now()
        .identity()
        .map(identity ->
            (double) Duration.between(clock.instant(), identity.notAfter()).toMillis() / 1000)
        .orElse(Double.NaN);
  }

  /** A scrape reads many gauges at once. */
  private MeshSnapshot now() {
    Seen last = seen;
    long now = System.nanoTime();
    if (now - last.at() > FRESH_NANOS) {
      last = new Seen(mesh.snapshot(), now);
      seen = last;
    }
    return last.snapshot();
  }

  private void gauge(
      MeterRegistry registry,
      String name,
      String description,
      Tags tagged,
      ToDoubleFunction<MeshSnapshot> value) {
    Gauge.builder(name, () -> value.applyAsDouble(now()))
        .description(description)
        .tags(tagged)
        .register(registry);
  }

  private void counter(
      MeterRegistry registry,
      String name,
      String description,
      Tags tagged,
      ToDoubleFunction<MeshSnapshot> value) {
    FunctionCounter.builder(name, this, binder -> value.applyAsDouble(binder.now()))
        .description(description)
        .tags(tagged)
        .register(registry);
  }

  private static String lower(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /** What is counted as it happens. */
  private final class Counted {
    private final MeterRegistry registry;
    private final Counter trust;
    private final Counter policy;
    private final Map<MeshEvent.Direction, Counter> denied = new ConcurrentHashMap<>();
    private final Map<MeshEvent.Direction, Counter> withdrawn = new ConcurrentHashMap<>();
    private final Map<String, Counter> failures = new ConcurrentHashMap<>();
    private final Map<String, Counter> refused = new ConcurrentHashMap<>();
    private final Set<Destination> destinations = ConcurrentHashMap.newKeySet();

    Counted(MeterRegistry registry) {
      this.registry = registry;
      this.trust = events("mesh.trust.changes", "New identities and roots put into force", tags);
      this.policy = events("mesh.policy.changes", "New intentions put into force", tags);
      for (MeshEvent.Direction direction : MeshEvent.Direction.values()) {
        Tags tagged = tags.and("direction", lower(direction));
        denied.put(
            direction, events("mesh.authorization.denied", "Peers and requests refused", tagged));
        withdrawn.put(
            direction,
            events(
                "mesh.connections.withdrawn",
                "Connections and requests ended because their right was withdrawn",
                tagged));
      }
    }

    private Counter events(String name, String description, Tags tagged) {
      return Counter.builder(name).description(description).tags(tagged).register(registry);
    }

    void heard(MeshEvent event) {
      if (event instanceof MeshEvent.TrustChanged) {
        trust.increment();
      } else if (event instanceof MeshEvent.PolicyChanged) {
        policy.increment();
      } else if (event instanceof MeshEvent.Denied each) {
        increment(denied, each.direction());
      } else if (event instanceof MeshEvent.Withdrawn each) {
        increment(withdrawn, each.direction());
      } else if (event instanceof MeshEvent.ControlPlaneFailed each) {
        bySource(failures, "mesh.control.plane.failures", "Failures", each.source());
      } else if (event instanceof MeshEvent.UpdateRefused each) {
        bySource(refused, "mesh.updates.refused", "Updates that cannot be used", each.source());
      } else if (event instanceof MeshEvent.EndpointsChanged each) {
        destination(each.endpoints().destination());
      }
    }

    private void increment(
        Map<MeshEvent.Direction, Counter> counters, MeshEvent.Direction direction) {
      Counter counter = counters.get(direction);
      if (counter != null) {
        counter.increment();
      }
    }

    private void bySource(
        Map<String, Counter> counters, String name, String description, String source) {
      String bounded = SOURCES.contains(source) ? source : ENDPOINTS;
      counters
          .computeIfAbsent(bounded, key -> events(name, description, tags.and("source", key)))
          .increment();
    }

    void destination(Destination destination) {
      if (!destinations.add(destination)) {
        return;
      }
      String name = destination.toString();
      gauge(
          registry,
          "mesh.endpoints",
          "Healthy endpoints",
          tags.and("destination", name),
          now -> {
            var set = now.endpoints().get(destination);
            return set == null ? 0 : set.endpoints().size();
          });
      gauge(
          registry,
          "mesh.connections.active",
          "Live connections",
          tags.and("direction", "outbound", "destination", name),
          now ->
              now.connections().stream()
                  .filter(each -> each.destination().filter(destination::equals).isPresent())
                  .count());
    }
  }
}
