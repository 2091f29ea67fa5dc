package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The policy of fewest running calls, and health checks under each policy. */
class LeastRequestTest {
  private Town town;
  private MeshClient web;
  private MeshClient orders;

  @BeforeEach
  void start() throws Exception {
    town = new Town(Town.Engine.CONSCRYPT);
    web = town.client("web");
    orders = town.client("orders");
  }

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  private ManagedChannel channel() {
    return town.keep(
        MeshChannelBuilder.forService("orders", web)
            .defaultLoadBalancingPolicy(MeshChannelBuilder.LEAST_REQUEST));
  }

  private static Set<String> answering(ManagedChannel channel) {
    Set<String> answered = new HashSet<>();
    for (int i = 0; i < 20; i++) {
      answered.add(say(channel, "").replace(": ", ""));
    }
    return answered;
  }

  @Test
  void anEndpointWithCallsRunningIsLeftToThem() throws Exception {
    town.serve(orders, "o1");
    town.serve(orders, "o2");
    ManagedChannel channel = channel();
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(answering(channel)).containsExactlyInAnyOrder("o1", "o2"));
    Heard heard = new Heard();
    StreamObserver<String> running =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    running.onNext("");
    String busy = heard.next().replace(": ", "");
    assertThat(answering(channel)).containsExactly(busy.equals("o1") ? "o2" : "o1");
    running.onCompleted();
    assertThat(heard.end()).isEqualTo(Status.Code.OK);
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(answering(channel)).containsExactlyInAnyOrder("o1", "o2"));
  }

  @Test
  void endpointsComeAndGo() throws Exception {
    town.serve(orders, "o1");
    ManagedChannel channel = channel();
    assertThat(say(channel, "a")).isEqualTo("o1: a");
    town.serve(orders, "o2");
    town.plane.deregister("o1");
    await().atMost(GUARD).untilAsserted(() -> assertThat(answering(channel)).containsExactly("o2"));
    town.plane.deregister("o2");
    await()
        .atMost(GUARD)
        .untilAsserted(() ->
            assertThat(Town.refused(channel).getDescription())
                .contains("expected an endpoint of orders"));
  }

  @Test
  void sharesFollowTheWeightsWhereNothingRuns() {
    LeastRequestLoadBalancer.Choice light = choice(1);
    LeastRequestLoadBalancer.Choice heavy = choice(3);
    LeastRequestLoadBalancer.Picker picker =
        new LeastRequestLoadBalancer.Picker(List.of(light, heavy), new Random(42));
    int heavies = 0;
    for (int i = 0; i < 4000; i++) {
      heavies += picker.pick() == heavy ? 1 : 0;
    }
    assertThat(heavies).isBetween(2850, 3150);
    heavy.running().set(3);
    light.running().set(0);
    assertThat(picker.pick()).isSameAs(light);
    light.running().set(2);
    assertThat(picker.pick()).as("3 for a weight of 3 are fewer than 2 for 1").isSameAs(heavy);
  }

  private static LeastRequestLoadBalancer.Choice choice(int weight) {
    return new LeastRequestLoadBalancer.Choice(
        PickResult.withNoResult(), new AtomicInteger(), weight);
  }

  @ParameterizedTest
  @ValueSource(strings = {"round_robin", MeshChannelBuilder.LEAST_REQUEST})
  void clientSideHealthChecksWorkByServiceConfig(String policy) throws Exception {
    HealthStatusManager health = new HealthStatusManager();
    TalkServer first =
        town.keep(
            new TalkServer(
                orders.serverContext(),
                true,
                Talk.as("o1"),
                health.getHealthService().bindService()));
    town.plane.register("orders", "o1", "127.0.0.1", first.port());
    HealthStatusManager others = new HealthStatusManager();
    TalkServer second =
        town.keep(
            new TalkServer(
                orders.serverContext(),
                true,
                Talk.as("o2"),
                others.getHealthService().bindService()));
    town.plane.register("orders", "o2", "127.0.0.1", second.port());
    ManagedChannel channel =
        town.keep(
            MeshChannelBuilder.forService("orders", web)
                .defaultServiceConfig(
                    Map.of(
                        "loadBalancingConfig",
                        List.of(Map.of(policy, Map.of())),
                        "healthCheckConfig",
                        Map.of("serviceName", ""))));
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(answering(channel)).containsExactlyInAnyOrder("o1", "o2"));
    health.setStatus("", ServingStatus.NOT_SERVING);
    await().atMost(GUARD).untilAsserted(() -> assertThat(answering(channel)).containsExactly("o2"));
    health.setStatus("", ServingStatus.SERVING);
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(answering(channel)).containsExactlyInAnyOrder("o1", "o2"));
  }
}
