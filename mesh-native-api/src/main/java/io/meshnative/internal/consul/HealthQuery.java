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
  private final Wiring wiring;
  private final Calls calls;
  private final Roots roots;
  private final Leaf leaf;
  private final Destination destination;
  private final boolean cached;
  private boolean hidden;

  /**
   * Makes a query.
   *
   * @param cached whether the agent's cache may answer, as it may where many destinations share a
   *     thread
   */
  HealthQuery(
      Wiring wiring, Calls calls, Roots roots, Leaf leaf, Destination destination, boolean cached) {
    this.wiring = wiring;
    this.calls = calls;
    this.roots = roots;
    this.leaf = leaf;
    this.destination = destination;
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
    roots.await(); // ids carry the trust domain
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
    if (cached) {
      call = call.with("cached", null);
    }
    Answer answer = wiring.client().execute(call.blocking(index, hold()), calls);
    if (index == 0) {
      hidden = HealthDecoder.hidden(answer);
      return answer;
    }
    // A blocking answer by streaming (Consul 1.10+) has a true index, also where rows are hidden:
    // what the plain read
    // before it told still holds.
    return hidden ? answer.hidingRows() : answer;
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
