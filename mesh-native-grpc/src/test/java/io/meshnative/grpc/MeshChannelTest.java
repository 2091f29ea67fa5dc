package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.refused;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.ServiceRow;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Calls of mesh channels to gRPC's own server, on each TLS engine. */
@ParameterizedClass
@EnumSource(Town.Engine.class)
class MeshChannelTest {
  @Parameter Town.Engine engine;

  private Town town;
  private MeshClient web;

  @BeforeEach
  void start() throws Exception {
    town = new Town(engine);
    web = town.client("web");
  }

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  @Test
  void callsOfEachKindReachTheService() throws Exception {
    town.serve(town.client("orders"), "o1");
    ManagedChannel channel = town.channel(web, "orders");
    assertThat(say(channel, "hello")).isEqualTo("o1: hello");

    List<String> counted = new ArrayList<>();
    ClientCalls.blockingServerStreamingCall(
            channel, Talk.COUNT, CallOptions.DEFAULT.withDeadlineAfter(GUARD), "3")
        .forEachRemaining(counted::add);
    assertThat(counted).containsExactly("o1: 1", "o1: 2", "o1: 3");

    Heard gathered = new Heard();
    StreamObserver<String> giving =
        ClientCalls.asyncClientStreamingCall(
            channel.newCall(Talk.GATHER, CallOptions.DEFAULT), gathered);
    giving.onNext("a");
    giving.onNext("b");
    giving.onCompleted();
    assertThat(gathered.next()).isEqualTo("o1: a+b");
    assertThat(gathered.end()).isEqualTo(Status.Code.OK);

    Heard heard = new Heard();
    StreamObserver<String> chat =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    chat.onNext("one");
    assertThat(heard.next()).isEqualTo("o1: one");
    chat.onNext("two");
    assertThat(heard.next()).isEqualTo("o1: two");
    chat.onCompleted();
    assertThat(heard.end()).isEqualTo(Status.Code.OK);
  }

  @Test
  void largeMessagesPassInBothDirections() throws Exception {
    town.serve(town.client("orders"), "o1");
    String large = "x".repeat(3 << 20);
    assertThat(say(town.channel(web, "orders"), large)).isEqualTo("o1: " + large);
  }

  @Test
  void aServerWithoutAlpnCountsAsHttp2() throws Exception {
    MeshClient orders = town.client("orders");
    TalkServer server = town.keep(new TalkServer(orders.serverContext(), false, Talk.as("o1")));
    town.plane.register("orders", "o1", "127.0.0.1", server.port());
    assertThat(say(town.channel(web, "orders"), "hello")).isEqualTo("o1: hello");
  }

  @Test
  void aServiceWithoutEndpointsIsUnavailableByNameAndReason() {
    Status status = refused(town.channel(web, "nobody"));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(status.getCause()).isInstanceOf(NoEndpointException.class);
    assertThat(status.getDescription()).contains("expected an endpoint of nobody");
  }

  @Test
  void endpointsComeAndGoAndAllAreUsed() throws Exception {
    MeshClient orders = town.client("orders");
    ManagedChannel channel = town.channel(web, "orders");
    assertThat(refused(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);

    town.serve(orders, "o1");
    awaitAnswersFrom(channel, "o1");
    town.serve(orders, "o2");
    awaitAnswersFrom(channel, "o1", "o2");
    town.plane.deregister("o1");
    awaitAnswersFrom(channel, "o2");
    town.plane.setHealth("o2", "critical");
    await()
        .atMost(GUARD)
        .untilAsserted(
            () -> assertThat(refused(channel).getCause()).isInstanceOf(NoEndpointException.class));
    town.plane.setHealth("o2", "passing");
    awaitAnswersFrom(channel, "o2");
  }

  /** Waits until a round of calls is answered by exactly these. */
  private void awaitAnswersFrom(ManagedChannel channel, String... instances) {
    await()
        .atMost(GUARD)
        .ignoreExceptions()
        .untilAsserted(() -> {
          Set<String> answered = new HashSet<>();
          for (int i = 0; i < 8; i++) {
            answered.add(say(channel, "").replace(": ", ""));
          }
          assertThat(answered).containsExactlyInAnyOrder(instances);
        });
  }

  @Test
  void anEndpointThatLeavesKeepsTheCallsThatRunThere() throws Exception {
    MeshClient orders = town.client("orders");
    town.serve(orders, "o1");
    ManagedChannel channel = town.channel(web, "orders");
    Heard heard = new Heard();
    StreamObserver<String> chat =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    chat.onNext("one");
    assertThat(heard.next()).isEqualTo("o1: one");
    town.serve(orders, "o2");
    town.plane.deregister("o1");
    awaitAnswersFrom(channel, "o2");
    chat.onNext("two");
    assertThat(heard.next()).isEqualTo("o1: two");
    chat.onCompleted();
    assertThat(heard.end()).isEqualTo(Status.Code.OK);
  }

  @Test
  void callsFailOverFromAnEndpointThatIsDead() throws Exception {
    MeshClient orders = town.client("orders");
    town.serve(orders, "o1");
    TalkServer dying = town.serve(orders, "o2");
    ManagedChannel channel = town.channel(web, "orders");
    awaitAnswersFrom(channel, "o1", "o2");
    dying.close();
    awaitAnswersFrom(channel, "o1");
  }

  @Test
  void anotherServiceAtTheAddressIsRefusedByBothNames() throws Exception {
    TalkServer other = town.listen(town.client("other"), "x1");
    town.plane.register("orders", "o1", "127.0.0.1", other.port());
    Status status = refused(town.channel(web, "orders"));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getCause()).isInstanceOf(PeerIdentityException.class);
    assertThat(status.getDescription()).contains("/svc/orders").contains("/svc/other");
  }

  @Test
  void configEntriesLeadToTheServiceThatMustAnswer() throws Exception {
    town.plane.configEntry(
        "{\"Kind\":\"service-resolver\",\"Name\":\"orders\",\"Redirect\":{\"Service\":\"orders-v2\"}}");
    town.serve(town.client("orders-v2"), "v2");
    assertThat(say(town.channel(web, "orders"), "hello")).isEqualTo("v2: hello");
  }

  @Test
  void anAddressThatNowBelongsToAnotherServiceIsConnectedToAnew() throws Exception {
    TalkServer orders = town.listen(town.client("orders"), "o1");
    town.plane.register("orders", "o1", "127.0.0.1", orders.port());
    ManagedChannel channel = town.channel(web, "orders");
    assertThat(say(channel, "hello")).isEqualTo("o1: hello");
    // The same address, and from now on it must be another one: the server is not.
    town.plane.configEntry(
        "{\"Kind\":\"service-resolver\",\"Name\":\"orders\",\"Redirect\":{\"Service\":\"orders-v2\"}}");
    town.plane.register("orders-v2", "v2", "127.0.0.1", orders.port());
    town.plane.deregister("o1");
    await()
        .atMost(GUARD)
        .until(() ->
            web.endpoints(Destination.parse("orders")).stream()
                .anyMatch(endpoint -> endpoint.identity().service().equals("orders-v2")));
    orders.close(); // what was connected ends, and nobody else is there
    TalkServer next = town.listen(town.client("orders-v2"), "v2");
    town.plane.register("orders-v2", "v2", "127.0.0.1", next.port());
    awaitAnswersFrom(channel, "v2");
  }

  @Test
  void aDenialEndsRunningCallsAndRefusesNewOnesUntilItIsTakenBack() throws Exception {
    MeshClient orders = town.client("orders");
    town.serve(orders, "o1");
    ManagedChannel channel = town.channel(web, "orders");
    Heard heard = new Heard();
    StreamObserver<String> chat =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    chat.onNext("one");
    assertThat(heard.next()).isEqualTo("o1: one");

    town.plane.deny("web", "orders");
    assertThat(heard.end()).isIn(Status.Code.PERMISSION_DENIED, Status.Code.UNAVAILABLE);
    await()
        .atMost(GUARD)
        .untilAsserted(() -> {
          Status status = refused(channel);
          assertThat(status.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
          assertThat(status.getCause()).isInstanceOf(MeshAuthorizationException.class);
        });

    town.plane.allow("web", "orders");
    await()
        .atMost(GUARD)
        .until(() ->
            web.explain(Destination.parse("orders")).isAllowed()
                && orders.explain("web").isAllowed());
    awaitAnswersFrom(channel, "o1");
  }

  @Test
  void aConnectionIsClosedWhenOnlyTheCallersSideKnowsOfTheDenial() throws Exception {
    // The server is no member of this mesh's control plane: it has a certificate, and no policy.
    TalkServer orders = town.keep(Plain.server(town.plane, "orders", Talk.as("o1")));
    town.plane.register("orders", "o1", "127.0.0.1", orders.port());
    ManagedChannel channel = town.channel(web, "orders");
    Heard heard = new Heard();
    StreamObserver<String> chat =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    chat.onNext("one");
    assertThat(heard.next()).isEqualTo("o1: one");
    town.plane.deny("web", "orders");
    assertThat(heard.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(heard.reason()).isInstanceOf(MeshAuthorizationException.class);
    await().atMost(GUARD).until(() -> web.snapshot().connections().isEmpty());
  }

  @Test
  void aServerThatRefusesOurCertificateIsAskedForItsIntentions() throws Exception {
    TalkServer orders =
        town.keep(Plain.serverThatTrustsNobody(town.plane, "orders", Talk.as("o1")));
    town.plane.register("orders", "o1", "127.0.0.1", orders.port());
    ManagedChannel channel = town.channel(web, "orders");
    // A reset may overtake the alert: then it is only unavailable, and the next attempt tells.
    await()
        .atMost(GUARD)
        .untilAsserted(() -> {
          channel.resetConnectBackoff();
          Status status = refused(channel);
          assertThat(status.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
          assertThat(status.getCause()).isInstanceOf(PeerRefusedException.class);
          assertThat(status.getDescription()).contains("look at the intentions of orders");
        });
  }

  @Test
  void weightsAndLocalityStandInTheAttributesOfAddresses() throws Exception {
    MeshClient orders = town.client("orders");
    TalkServer server = town.listen(orders, "o1");
    town.plane.register(
        ServiceRow.nativeService("orders", "o1", "127.0.0.1", server.port()).weights(7, 1));
    Seen.REGISTERED.clear();
    ManagedChannel channel =
        town.keep(
            MeshChannelBuilder.forService("orders", web).defaultLoadBalancingPolicy(Seen.NAME));
    assertThat(say(channel, "hello")).isEqualTo("o1: hello");
    assertThat(Seen.REGISTERED)
        .isNotEmpty()
        .allSatisfy(group -> {
          assertThat(group.getAddresses()).hasSize(1);
          assertThat(group.getAttributes().get(MeshEndpoint.WEIGHT)).isEqualTo(7);
          assertThat(group.getAttributes().get(MeshEndpoint.ENDPOINT).instance()).isEqualTo("o1");
          assertThat(group.getAttributes().get(io.grpc.EquivalentAddressGroup.ATTR_LOCALITY_NAME))
              .startsWith("dc1/");
        });
  }
}
