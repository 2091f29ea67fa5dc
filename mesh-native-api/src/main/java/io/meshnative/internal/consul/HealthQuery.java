package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The endpoints of a destination: {@code GET /v1/health/connect/<service>?passing}. Native
 * instances and sidecars alike.
 */
final class HealthQuery implements Query<EndpointSet> {
  /**
   * How long a list may stay empty after trouble before it is believed. Servers that start anew do
   * not know the agents at first, and drop what is on them from the catalog; each agent enters it
   * again within seconds after it has found its servers.
   */
  private static final Duration DOUBT = Duration.ofSeconds(15);

  private static final Duration DOUBT_PAUSE = Duration.ofSeconds(1);

  /** The size of a body without rows. */
  private static final int NO_ROWS = "[]".length();

  private final Wiring wiring;
  private final Calls calls;
  private final Roots roots;
  private final Leaf leaf;
  private final Destination destination;
  private final String filter;
  private final boolean cached;
  private boolean hidden;
  private long lastIndex;

  /**
   * Makes a query.
   *
   * @param target whose instances, and which of them
   * @param cached whether the agent's cache may answer, as it may where many destinations share a
   *     thread
   */
  HealthQuery(
      Wiring wiring,
      Calls calls,
      Roots roots,
      Leaf leaf,
      Route.ChainTarget target,
      boolean cached) {
    this.wiring = wiring;
    this.calls = calls;
    this.roots = roots;
    this.leaf = leaf;
    this.destination = target.destination();
    this.filter = target.filter();
    this.cached = cached;
  }

  @Override
  public String name() {
    return "GET /v1/health/connect/" + destination.service();
  }

  @Override
  public void unusable(int inARow, IOException failure) {
    wiring.client().unusable(name(), inARow, failure);
  }

  @Override
  public Duration hold() {
    return Duration.ofMinutes(5);
  }

  @Override
  public Answer read(long index) throws ControlPlaneException, InterruptedException {
    return read(index, hold());
  }

  private Answer read(long index, Duration longest)
      throws ControlPlaneException, InterruptedException {
    roots.await(); // ids carry the trust domain
    Answer answer = wiring.client().execute(call().blocking(index, longest), calls);
    lastIndex = answer.index();
    if (index == 0) {
      hidden = HealthDecoder.hidden(answer);
      return answer;
    }
    // A blocking answer by streaming (Consul 1.10+) has a true index, also where rows are hidden:
    // what the plain read
    // before it told still holds.
    return hidden ? answer.hidingRows() : answer;
  }

  private AgentCall call() {
    AgentCall call =
        AgentCall.get("health", "connect", destination.service())
            .with("passing", null)
            .needing("service:read on \"" + destination.service() + "\" and node:read");
    String datacenter = destination.datacenter().orElse(null);
    if (datacenter != null) {
      call = call.with("dc", datacenter);
    }
    if (!destination.namespace().equals("default")) {
      call = call.with("ns", destination.namespace());
    }
    if (!destination.partition().equals("default")) {
      call = call.with("partition", destination.partition());
    }
    if (!filter.isEmpty()) {
      call = call.with("filter", filter);
    }
    return cached ? call.with("cached", null) : call;
  }

  /** Rows that are hidden are no doubt of the catalog's: that is for the token. */
  @Override
  public boolean vanished(EndpointSet last, EndpointSet fresh) {
    return fresh.emptiness() == EndpointSet.Emptiness.NO_INSTANCE && !last.endpoints().isEmpty();
  }

  /** Waits for rows to come back. Destinations that share a thread do not wait for each other. */
  @Override
  public Answer confirm() throws ControlPlaneException, InterruptedException {
    long begun = wiring.clock().nanoTime();
    Answer answer = read(cached ? 0 : lastIndex, DOUBT);
    while (!cached && answer.body().size() <= NO_ROWS && !calls.isCancelled()) {
      Duration left = DOUBT.minusNanos(wiring.clock().nanoTime() - begun);
      if (left.isNegative() || left.isZero()) {
        break;
      }
      wiring.clock().pause(DOUBT_PAUSE); // an agent may answer at once, always
      answer = read(lastIndex, left);
    }
    return answer;
  }

  @Override
  public String variant(Answer answer) {
    return roots.trustDomain() + " " + ownDatacenter() + " " + HealthDecoder.hidden(answer);
  }

  @Override
  public EndpointSet decode(Answer answer) throws ControlPlaneException {
    HealthDecoder decoder =
        new HealthDecoder(
            destination,
            or(destination.partition(), wiring.partition()),
            or(destination.namespace(), wiring.namespace()),
            roots.trustDomain().orElseThrow(),
            ownDatacenter());
    return decoder.decode(name(), answer);
  }

  private @Nullable String ownDatacenter() {
    return leaf.datacenter().orElse(null);
  }

  /** A destination that names no namespace or partition means the own one. */
  private static String or(String named, String own) {
    return named.equals("default") ? own : named;
  }
}
