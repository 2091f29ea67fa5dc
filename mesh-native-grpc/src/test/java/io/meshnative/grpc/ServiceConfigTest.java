package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.refused;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.ServerCalls;
import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a service config asks for, on channels of the mesh as on others. */
class ServiceConfigTest {
  private Town town;

  @BeforeEach
  void start() throws Exception {
    town = new Town(Town.Engine.CONSCRYPT);
  }

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  private ManagedChannel channel(MeshClient web, Map<String, ?> config) {
    return town.keep(MeshChannelBuilder.forService("orders", web).defaultServiceConfig(config));
  }

  private static Map<String, ?> ofTalk(String name, Object value) {
    return Map.of(
        "methodConfig",
        List.of(Map.of("name", List.of(Map.of("service", "test.Talk")), name, value)));
  }

  /** Answers only from a given call on; what came before hangs. */
  private AtomicInteger serveFromCall(int first) throws Exception {
    AtomicInteger calls = new AtomicInteger();
    ServerServiceDefinition slow =
        ServerServiceDefinition.builder("test.Talk")
            .addMethod(
                Talk.SAY,
                ServerCalls.asyncUnaryCall((said, answer) -> {
                  int call = calls.incrementAndGet();
                  if (call >= first) {
                    answer.onNext("call " + call + ": " + said);
                    answer.onCompleted();
                  }
                }))
            .build();
    TalkServer server =
        town.keep(new TalkServer(town.client("orders").serverContext(), true, slow));
    town.plane.register("orders", "o1", "127.0.0.1", server.port());
    return calls;
  }

  @Test
  void aTimeoutEndsCallsThatHaveNoDeadlineOfTheirOwn() throws Exception {
    AtomicInteger calls = serveFromCall(Integer.MAX_VALUE);
    ManagedChannel channel = channel(town.client("web"), ofTalk("timeout", "2s"));
    assertThat(refused(channel).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(calls.get()).isLessThanOrEqualTo(1);
  }

  @Test
  void aHedgedCallIsAnsweredByWhichOfItsAttemptsAnswers() throws Exception {
    AtomicInteger calls = serveFromCall(3);
    ManagedChannel channel =
        channel(
            town.client("web"),
            ofTalk("hedgingPolicy", Map.of("maxAttempts", 3.0, "hedgingDelay", "0.01s")));
    assertThat(say(channel, "hello")).isEqualTo("call 3: hello");
    assertThat(calls).hasValue(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"round_robin", MeshChannelBuilder.LEAST_REQUEST})
  void endpointsThatSayThatTheyDoNotServeAreNotCalled(String policy) throws Exception {
    MeshClient orders = town.client("orders");
    HealthStatusManager first = serveWithHealth(orders, "o1");
    HealthStatusManager second = serveWithHealth(orders, "o2");
    second.setStatus("test.Talk", ServingStatus.NOT_SERVING);
    ManagedChannel channel =
        channel(
            town.client("web"),
            Map.of(
                "healthCheckConfig",
                Map.of("serviceName", "test.Talk"),
                "loadBalancingConfig",
                List.of(Map.of(policy, Map.of()))));
    assertThat(answering(channel)).containsOnly("o1");
    second.setStatus("test.Talk", ServingStatus.SERVING);
    await()
        .atMost(GUARD)
        .untilAsserted(() -> assertThat(answering(channel)).containsOnly("o1", "o2"));
    first.setStatus("test.Talk", ServingStatus.NOT_SERVING);
    await().atMost(GUARD).untilAsserted(() -> assertThat(answering(channel)).containsOnly("o2"));
    second.setStatus("test.Talk", ServingStatus.NOT_SERVING);
    await()
        .atMost(GUARD)
        .until(() -> {
          try {
            String unused = say(channel, "");
            return false;
          } catch (io.grpc.StatusRuntimeException e) {
            assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
            return true;
          }
        });
  }

  private HealthStatusManager serveWithHealth(MeshClient orders, String instance) throws Exception {
    HealthStatusManager health = new HealthStatusManager();
    health.setStatus("test.Talk", ServingStatus.SERVING);
    TalkServer server =
        town.keep(
            new TalkServer(
                orders.serverContext(),
                true,
                Talk.as(instance),
                health.getHealthService().bindService()));
    town.plane.register("orders", instance, "127.0.0.1", server.port());
    return health;
  }

  private static Set<String> answering(ManagedChannel channel) {
    Set<String> answered = new HashSet<>();
    for (int i = 0; i < 24; i++) {
      answered.add(say(channel, "").replace(": ", ""));
    }
    return answered;
  }

  /** Which every resolver of names knows. */
  @Test
  void aServiceThatTheCatalogDoesNotKnowIsNotLookedForInDns() throws Exception {
    ManagedChannel channel =
        town.keep(MeshChannelBuilder.forService("localhost", town.client("web")));
    Status status = refused(channel);
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(status.getCause()).isInstanceOf(NoEndpointException.class);
  }
}
