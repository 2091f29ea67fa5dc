package io.meshnative.micrometer;

import io.meshnative.MeshEvent;
import io.meshnative.MeshListener;
import io.meshnative.discovery.Destination;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** What is counted as it is told. */
final class EventCounters implements MeshListener {
  private static final Set<String> SOURCES =
      Set.of("identity", "trust", "intentions", "registration", "audit");
  private static final String ENDPOINTS = "endpoints";
  private static final String IDENTITY = "identity";

  private final MeterRegistry registry;
  private final Tags tags;
  private final Consumer<Destination> onDestination;
  private final Counter trust;
  private final Counter policy;
  private final Counter renewed;
  private final Counter refused;
  private final Counter failed;
  private final Map<MeshEvent.Direction, Counter> withdrawn =
      new EnumMap<>(MeshEvent.Direction.class);
  private final Map<String, Counter> failures = new ConcurrentHashMap<>();
  private final Map<String, Counter> updates = new ConcurrentHashMap<>();

  EventCounters(MeterRegistry registry, Tags tags, Consumer<Destination> onDestination) {
    this.registry = registry;
    this.tags = tags;
    this.onDestination = onDestination;
    this.trust = counter("mesh.trust.changes", "New identities and roots put into force", tags);
    this.policy = counter("mesh.policy.changes", "New intentions put into force", tags);
    // All three from the start: what is not there yet cannot raise an alarm.
    this.renewed = rotations("renewed");
    this.refused = rotations("refused");
    this.failed = rotations("failed");
    for (MeshEvent.Direction direction : MeshEvent.Direction.values()) {
      withdrawn.put(
          direction,
          counter(
              "mesh.connections.withdrawn",
              "Connections and requests ended because their right was withdrawn",
              tags.and("direction", direction.name().toLowerCase(Locale.ROOT))));
    }
    for (String source : SOURCES) {
      failures(source);
    }
    failures(ENDPOINTS);
  }

  private Counter rotations(String outcome) {
    return counter(
        "mesh.identity.rotations", "Leaves that were to be replaced", tags.and("outcome", outcome));
  }

  private Counter counter(String name, String description, Tags tagged) {
    return Counter.builder(name).description(description).tags(tagged).register(registry);
  }

  @Override
  public void onEvent(MeshEvent event) {
    if (event instanceof MeshEvent.TrustChanged each) {
      trust.increment();
      if (each.renewed()) {
        renewed.increment();
      }
    } else if (event instanceof MeshEvent.PolicyChanged) {
      policy.increment();
    } else if (event instanceof MeshEvent.Withdrawn each) {
      Counter counter = withdrawn.get(each.direction());
      if (counter != null) {
        counter.increment();
      }
    } else if (event instanceof MeshEvent.ControlPlaneFailed each) {
      failures(each.source()).increment();
      if (each.source().equals(IDENTITY)) {
        failed.increment();
      }
    } else if (event instanceof MeshEvent.UpdateRefused each) {
      updates(each.source()).increment();
      if (each.source().equals(IDENTITY)) {
        refused.increment();
      }
    } else if (event instanceof MeshEvent.EndpointsChanged each) {
      if (!each.endpoints().endpoints().isEmpty()) {
        onDestination.accept(each.endpoints().destination());
      }
    }
  }

  private Counter failures(String source) {
    return failures.computeIfAbsent(
        bounded(source),
        key -> counter("mesh.control.plane.failures", "Failures", tags.and("source", key)));
  }

  private Counter updates(String source) {
    return updates.computeIfAbsent(
        bounded(source),
        key ->
            counter(
                "mesh.updates.refused", "Updates that cannot be used", tags.and("source", key)));
  }

  private static String bounded(String source) {
    return SOURCES.contains(source) ? source : ENDPOINTS;
  }
}
