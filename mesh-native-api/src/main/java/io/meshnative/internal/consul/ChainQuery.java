package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where a destination leads: {@code GET /v1/discovery-chain/<service>}, from the agent's cache,
 * which a write of any config entry renews.
 *
 * <p>Consul answers every name with a chain. Where we may not read it (403), and where the agent
 * has none (404, before 1.6), the destination stands for itself, as it does for whoever does not
 * know of chains; who must answer is then the destination and nobody else.
 */
final class ChainQuery implements Query<Route> {
  private final Wiring wiring;
  private final Calls calls;
  private final Destination destination;

  ChainQuery(Wiring wiring, Calls calls, Destination destination) {
    this.wiring = wiring;
    this.calls = calls;
    this.destination = destination;
  }

  @Override
  public String name() {
    return "GET /v1/discovery-chain/" + destination.service();
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
  public Answer read(long index) throws ControlPlaneException {
    AgentCall call =
        AgentCall.get("discovery-chain", destination.service())
            .needing("service:read on \"" + destination.service() + "\"");
    String datacenter = destination.datacenter().orElse(null);
    if (datacenter != null) {
      call = call.with("compile-dc", datacenter);
    }
    if (!destination.namespace().equals("default")) {
      call = call.with("ns", destination.namespace());
    }
    if (!destination.partition().equals("default")) {
      call = call.with("partition", destination.partition());
    }
    return wiring.client().execute(call.with("cached", null).blocking(index, hold()), calls);
  }

  @Override
  public Route decode(Answer answer) throws ControlPlaneException {
    return new ChainDecoder(destination, wiring.namespace()).decode(name(), answer);
  }

  @Override
  public @Nullable Route instead(ControlPlaneException failure) {
    int status = failure.status().orElse(0);
    return status == 403 || status == 404 ? Route.to(destination) : null;
  }
}
