package io.meshnative.micrometer;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshSnapshot;
import io.meshnative.MeshState;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
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
 *   <tr><td>{@code mesh.state}</td><td>gauge</td><td>{@code state}</td><td>1 for the state in which the client is, else 0</td></tr>
 *   <tr><td>{@code mesh.identity.expiry}</td><td>gauge, seconds</td><td></td><td>until the own leaf ends; negative afterwards, NaN before the first</td></tr>
 *   <tr><td>{@code mesh.identity.rotations}</td><td>counter</td><td>{@code outcome} renewed, refused, failed</td><td>new leaves put in force; those that cannot be used; failures of their source, each told once</td></tr>
 *   <tr><td>{@code mesh.trust.changes}</td><td>counter</td><td></td><td>new identities and roots put into force</td></tr>
 *   <tr><td>{@code mesh.policy.changes}</td><td>counter</td><td></td><td>new intentions put into force</td></tr>
 *   <tr><td>{@code mesh.policy.defective}</td><td>gauge</td><td></td><td>1 while everything is denied because the intentions cannot be applied</td></tr>
 *   <tr><td>{@code mesh.intentions}</td><td>gauge</td><td></td><td>intentions that concern callers</td></tr>
 *   <tr><td>{@code mesh.dial}</td><td>timer</td><td>{@code destination}, {@code outcome} connected, denied, failed, abandoned</td><td>dials with all their attempts: of the client, and of adapters that connect by themselves and say so</td></tr>
 *   <tr><td>{@code mesh.handshake}</td><td>timer</td><td>{@code direction}, {@code outcome} completed, refused, failed, abandoned</td><td>TLS handshakes, from the first byte until the peer was let in or refused</td></tr>
 *   <tr><td>{@code mesh.handshakes}</td><td>counter</td><td>{@code kind} full, resumed</td><td>handshakes done</td></tr>
 *   <tr><td>{@code mesh.connections.active}</td><td>gauge</td><td>{@code direction}, {@code destination}, which is {@code none} for inbound</td><td>live connections</td></tr>
 *   <tr><td>{@code mesh.connections.closed}</td><td>counter</td><td>{@code direction}, {@code reason} closed, denied, expired, untrusted, shutdown</td><td>connections that had been let in and ended</td></tr>
 *   <tr><td>{@code mesh.connections.withdrawn}</td><td>counter</td><td>{@code direction}</td><td>connections and requests ended because their right was withdrawn</td></tr>
 *   <tr><td>{@code mesh.endpoints}</td><td>gauge</td><td>{@code destination}</td><td>healthy endpoints</td></tr>
 *   <tr><td>{@code mesh.authorization}</td><td>counter</td><td>{@code direction}, {@code layer} l4, l7, {@code outcome} allowed, denied, unproven</td><td>decisions over connections and dials (l4) and requests (l7)</td></tr>
 *   <tr><td>{@code mesh.agent.lag}</td><td>gauge, seconds</td><td></td><td>for how long what is held may have been out of date: 0 while the control plane answers, else since it began to fail</td></tr>
 *   <tr><td>{@code mesh.control.plane.failures}</td><td>counter</td><td>{@code source} identity, trust, intentions, endpoints, registration, audit</td><td>failures, each told once until it recovers</td></tr>
 *   <tr><td>{@code mesh.updates.refused}</td><td>counter</td><td>{@code source}, as above</td><td>what the control plane sent and could not be used</td></tr>
 *   <tr><td>{@code mesh.audit.dropped}</td><td>counter</td><td></td><td>records that a slow audit sink missed</td></tr>
 * </table>
 *
 * <p>No tag holds a SPIFFE id: their number has no bound. Destinations have names in tags once they
 * are known to exist, at most a hundred of them; all others are {@code unknown}. Reading a gauge
 * takes a {@link MeshClient#snapshot} at most once a second. Thread-safe.
 */
public final class MeshMeterBinder implements MeterBinder, AutoCloseable {
  private static final String DIRECTION = "direction";
  private static final String DESTINATION = "destination";
  private static final long FRESH_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final MeshClient mesh;
  private final Tags tags;
  private final Clock clock;
  private final Destinations destinations;
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
    this.destinations = new Destinations(mesh);
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
        tags.and(DIRECTION, "inbound", DESTINATION, "none"),
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
    TimeGauge.builder("mesh.agent.lag", this::lagSeconds, TimeUnit.SECONDS)
        .description("For how long what is held may have been out of date")
        .tags(tags)
        .register(registry);
    bindCounts(registry);
    Set<Destination> bound = ConcurrentHashMap.newKeySet();
    subscriptions.add(
        mesh.subscribe(
            new EventCounters(registry, tags, each -> bindDestination(registry, bound, each))));
    subscriptions.add(mesh.observe(new ConnectionTimers(registry, tags, destinations)));
    mesh.snapshot()
        .endpoints()
        .forEach((destination, set) -> {
          if (!set.endpoints().isEmpty()) {
            bindDestination(registry, bound, destination);
          }
        });
  }

  private void bindCounts(MeterRegistry registry) {
    MeshSnapshot all = mesh.snapshot();
    for (MeshSnapshot.Judgement kind : all.judgements().keySet()) {
      if (kind.direction() == MeshEvent.Direction.OUTBOUND
          && kind.layer() == MeshSnapshot.Layer.REQUEST) {
        continue; // requests are judged where they arrive
      }
      counter(
          registry,
          "mesh.authorization",
          "Decisions over connections, dials and requests",
          tags.and(
              DIRECTION,
              lower(kind.direction()),
              "layer",
              kind.layer() == MeshSnapshot.Layer.CONNECTION ? "l4" : "l7",
              "outcome",
              lower(kind.verdict())),
          now -> now.judgements().getOrDefault(kind, 0L));
    }
    for (MeshSnapshot.Ended kind : all.endings().keySet()) {
      counter(
          registry,
          "mesh.connections.closed",
          "Connections that had been let in and ended",
          tags.and(DIRECTION, lower(kind.direction()), "reason", lower(kind.ending())),
          now -> now.endings().getOrDefault(kind, 0L));
    }
  }

  private void bindDestination(
      MeterRegistry registry, Set<Destination> bound, Destination destination) {
    String name = destinations.nameOfExisting(destination);
    if (name.equals(Destinations.UNKNOWN) || !bound.add(destination)) {
      return;
    }
    gauge(
        registry,
        "mesh.endpoints",
        "Healthy endpoints",
        tags.and(DESTINATION, name),
        now -> {
          var set = now.endpoints().get(destination);
          return set == null ? 0 : set.endpoints().size();
        });
    gauge(
        registry,
        "mesh.connections.active",
        "Live connections",
        tags.and(DIRECTION, "outbound", DESTINATION, name),
        now ->
            now.connections().stream()
                .filter(each -> each.destination().filter(destination::equals).isPresent())
                .count());
  }

  /** Hears and watches no more; the meters stay in the registry. */
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

  private double lagSeconds() {
    return (double) now().contact().lag(clock.instant()).toMillis() / 1000;
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
}
