package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.identity.WorkloadIdentity;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** An identity that is not renewed is told long before everything is denied. */
@Tag("P8")
class LateIdentityTest {
  private volatile Instant now = Instant.EPOCH;

  private final Clock clock =
      new Clock() {
        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }

        @Override
        public Instant instant() {
          return now;
        }
      };

  private static MockResponse answer(RecordedRequest request) {
    String target = request.getTarget();
    if (target.contains("index=")) {
      return new MockResponse.Builder().code(500).headersDelay(1, TimeUnit.HOURS).build();
    }
    if (target.startsWith("/v1/agent/connect/ca/roots")) {
      return Exchange.load("1.10.3", "ca-roots").response();
    }
    if (target.startsWith("/v1/agent/connect/ca/leaf")) {
      return Exchange.load("1.10.3", "ca-leaf").response();
    }
    if (target.startsWith("/v1/agent/connect/authorize")) {
      return Exchange.load("1.10.3", "authorize-default-acls-disabled").response();
    }
    return Agents.json("3", "{\"billing\":[]}");
  }

  @Test
  void atNineTenthsOfItsLifeAnIdentityWithoutSuccessorIsWarnedOfOnce() throws Exception {
    WorkloadIdentity leaf =
        LeafQuery.decode(
            "leaf", Exchange.load("1.10.3", "ca-leaf").answer(), "default", "default", "billing");
    Duration life = Duration.between(leaf.notBefore(), leaf.notAfter());
    now = leaf.notBefore().plus(life.multipliedBy(8).dividedBy(10));
    List<MeshEvent> events = new CopyOnWriteArrayList<>();
    try (Agents agent = Agents.answering(LateIdentityTest::answer);
        MeshClient client =
            MeshClient.builder("billing")
                .consul(agent.config())
                .clock(clock)
                .listener(events::add)
                .build()) {
      client.awaitReady(Duration.ofSeconds(60));
      assertThat(events).noneMatch(MeshEvent.Warning.class::isInstance);
      now = leaf.notAfter().minus(Duration.ofHours(1));
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> events.stream().anyMatch(MeshEvent.Warning.class::isInstance));
      now = leaf.notAfter().plusSeconds(1);
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> client.state() == io.meshnative.MeshState.EXPIRED);
      assertThat(events)
          .filteredOn(MeshEvent.Warning.class::isInstance)
          .singleElement()
          .asString()
          .contains("identity")
          .contains(leaf.notAfter().toString());
    }
  }
}
