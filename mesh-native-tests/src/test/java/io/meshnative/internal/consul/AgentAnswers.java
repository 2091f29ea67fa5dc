package io.meshnative.internal.consul;

import io.meshnative.ControlPlaneException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.EndpointSet;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.Intention;
import io.meshnative.spi.TrustUpdate;
import java.util.List;
import java.util.Set;
import okhttp3.Headers;
import okio.Buffer;
import okio.ByteString;

/** Lends the adapter's own decoders of the agent's answers to the fuzzer. */
public final class AgentAnswers {
  private AgentAnswers() {}

  private static Answer answer(byte[] body) {
    return Answer.of(
        Headers.of("X-Consul-Index", "7"), new Buffer().write(body), ByteString.of(body));
  }

  public static TrustUpdate roots(byte[] body) throws ControlPlaneException {
    return RootsQuery.decode("roots", answer(body));
  }

  public static WorkloadIdentity leaf(byte[] body, String service) throws ControlPlaneException {
    return LeafQuery.decode("leaf", answer(body), "default", "default", service);
  }

  public static List<Intention> match(byte[] body, String service) throws ControlPlaneException {
    return new IntentionDecoder(Set.of()).decode("match", new Buffer().write(body), service);
  }

  public static EndpointSet health(byte[] body, String service) throws ControlPlaneException {
    return new HealthDecoder(
            Destination.parse(service), "default", "default", TrustDomain.of("t.consul"), "dc1")
        .decode("health", answer(body));
  }
}
