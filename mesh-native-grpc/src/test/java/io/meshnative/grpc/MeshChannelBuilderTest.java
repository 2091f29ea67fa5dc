package io.meshnative.grpc;

import static io.meshnative.grpc.Town.refused;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.meshnative.MeshClient;
import io.meshnative.MeshClients;
import io.meshnative.Subscription;
import io.meshnative.discovery.Destination;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What channels are made from, and what is refused. */
class MeshChannelBuilderTest {
  private Town town;

  @BeforeEach
  void start() throws Exception {
    town = new Town(Town.Engine.CONSCRYPT);
  }

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  @Test
  void aTargetNamesTheClientAmongSeveral() throws Exception {
    MeshClient web = town.client("web");
    MeshClient batch = town.client("batch");
    town.serve(town.client("orders"), "o1");
    town.plane.deny("batch", "orders");
    try (Subscription first = MeshClients.register("web-client", web);
        Subscription second = MeshClients.register("batch-client", batch)) {
      assertThat(say(town.keep(MeshChannelBuilder.forTarget("mesh://web-client/orders")), "a"))
          .isEqualTo("o1: a");
      assertThat(
              refused(town.keep(MeshChannelBuilder.forTarget("mesh://batch-client/orders")))
                  .getCode())
          .isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThatThrownBy(() -> MeshChannelBuilder.forTarget("mesh:///orders"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("web-client");
      assertThatThrownBy(() -> MeshChannelBuilder.forTarget("mesh://nobody/orders"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("\"nobody\"");
    }
  }

  @Test
  void aTargetWithoutAClientIsThatOfTheOnlyOne() throws Exception {
    town.serve(town.client("orders"), "o1");
    try (Subscription only = MeshClients.register("only-client", town.client("web"))) {
      assertThat(say(town.keep(MeshChannelBuilder.forTarget("mesh:///orders")), "a"))
          .isEqualTo("o1: a");
    }
  }

  @Test
  void aTargetWithoutAClientIsThatOfTheOneThatIsGivenWithIt() throws Exception {
    town.serve(town.client("orders"), "o1");
    town.plane.deny("batch", "orders");
    MeshClient batch = town.client("batch");
    // Neither the only one, nor the one of that name, is asked where one is given.
    try (Subscription only = MeshClients.register("batch-client", batch)) {
      assertThat(
              say(
                  town.keep(MeshChannelBuilder.forTarget("mesh:///orders", town.client("web"))),
                  "a"))
          .isEqualTo("o1: a");
      assertThat(
              refused(
                      town.keep(
                          MeshChannelBuilder.forTarget(
                              "mesh://batch-client/orders", town.client("api"))))
                  .getCode())
          .isEqualTo(Status.Code.PERMISSION_DENIED);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "orders",
        "mesh:orders",
        "mesh:///",
        "dns:///orders",
        "mesh:///a/b",
        "mesh:///orders?x=1",
        "mesh:///orders?dc=a&dc=b",
        "mesh:///orders#f",
        "mesh:///%zz",
        "mesh:///orders?dc=dc1%26ns=other",
        "mesh:///%6frders",
        "mesh://sh%6fp/orders",
        "mesh:///orders/../billing",
        "mesh:///orders?DC=dc1",
        "MESH:///orders",
        "mesh:///orders?dc=",
        "mesh:///orders@evil"
      })
  void targetsThatNameNoServiceAreRefused(String target) {
    assertThatThrownBy(() -> MeshTarget.parse(target)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aTargetIsReadAsItIsWritten() {
    Destination far =
        Destination.builder("orders").namespace("team").partition("eu").datacenter("dc2").build();
    for (Destination destination : List.of(Destination.parse("orders"), far)) {
      String text = MeshTarget.text("shop", destination);
      assertThat(MeshTarget.parse(text)).isEqualTo(new MeshTarget("shop", destination));
    }
    assertThat(MeshTarget.text(null, far)).isEqualTo("mesh:///orders?ns=team&ap=eu&dc=dc2");
  }

  @Test
  void anAuthorityStandsForOneDestinationOnly() {
    assertThat(MeshAuthority.of(Destination.parse("orders"))).isEqualTo("orders.mesh");
    assertThat(MeshAuthority.of(Destination.builder("orders").datacenter("dc2").build()))
        .isEqualTo("orders.dc2.dc.mesh");
    assertThat(MeshAuthority.of(Destination.builder("a").namespace("b").build()))
        .isEqualTo("a.b.ns.mesh")
        .isNotEqualTo(MeshAuthority.of(Destination.parse("a.b.ns")));
  }

  @Test
  void whatWouldLeadOutOfTheMeshIsRefused() throws Exception {
    MeshChannelBuilder builder = MeshChannelBuilder.forService("orders", town.client("web"));
    assertThatThrownBy(() -> builder.overrideAuthority("other.mesh"))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("authority");
    assertThatThrownBy(builder::usePlaintext)
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("plaintext");
    assertThatThrownBy(() -> builder.proxyDetector(address -> null))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("proxy");
    assertThatThrownBy(() -> MeshChannelBuilder.forAddress("127.0.0.1", 1))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("forService");
  }

  @Test
  void aCallThatChoosesItsAuthorityIsRefused() throws Exception {
    town.serve(town.client("orders"), "o1");
    ManagedChannel channel = town.channel(town.client("web"), "orders");
    assertThatThrownBy(() ->
            ClientCalls.blockingUnaryCall(
                channel, Talk.SAY, CallOptions.DEFAULT.withAuthority("other.mesh"), "hello"))
        .hasMessageContaining("authority");
    assertThat(say(channel, "hello")).isEqualTo("o1: hello");
  }

  @Test
  void aChannelThatIsNotOursGetsNoAddress() throws Exception {
    town.serve(town.client("orders"), "o1");
    try (Subscription only = MeshClients.register("only-client", town.client("web"))) {
      ManagedChannel plain =
          Grpc.newChannelBuilder("mesh:///orders", InsecureChannelCredentials.create()).build();
      try {
        Status status = refused(plain);
        assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
        assertThat(status.getDescription()).contains("expected a channel of MeshChannelBuilder");
      } finally {
        plain.shutdownNow().awaitTermination(Town.GUARD.toSeconds(), TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void theServiceConfigRetriesAsUsual() throws Exception {
    Flaky flaky = new Flaky(2);
    MeshClient orders = town.client("orders");
    TalkServer server = town.keep(new TalkServer(orders.serverContext(), true, flaky.service()));
    town.plane.register("orders", "o1", "127.0.0.1", server.port());
    MeshClient web = town.client("web");
    Map<String, ?> retrying =
        Map.of(
            "methodConfig",
            List.of(
                Map.of(
                    "name",
                    List.of(Map.of("service", "test.Talk")),
                    "retryPolicy",
                    Map.of(
                        "maxAttempts",
                        3.0,
                        "initialBackoff",
                        "0.01s",
                        "maxBackoff",
                        "0.1s",
                        "backoffMultiplier",
                        2.0,
                        "retryableStatusCodes",
                        List.of("ABORTED")))));
    assertThat(
            say(
                town.keep(
                    MeshChannelBuilder.forService("orders", web).defaultServiceConfig(retrying)),
                "hello"))
        .isEqualTo("attempt 3: hello");
    assertThat(flaky.attempts()).isEqualTo(3);
  }

  @Test
  void aPolicyThatIsNotThereIsTold() throws Exception {
    town.serve(town.client("orders"), "o1");
    MeshChannelBuilder builder =
        MeshChannelBuilder.forService("orders", town.client("web"))
            .defaultLoadBalancingPolicy("no_such_policy");
    assertThatThrownBy(builder::build).hasMessageContaining("no_such_policy");
  }

  @Test
  void callsWaitNoLongerThanPatienceForAControlPlaneThatSaysNothing() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 50, java.net.InetAddress.getLoopbackAddress())) {
      MeshClient lost =
          town.keep(
              MeshClient.builder("web")
                  .consul(
                      io.meshnative.consul.ConsulConfig.builder()
                          .address("127.0.0.1:" + silent.getLocalPort())
                          .build())
                  .build());
      Status status = refused(town.channel(lost, "orders"));
      assertThat(status.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      assertThat(status.getDescription()).isNotEmpty();
    }
  }

  @Test
  void aClosedClientIsTold() throws Exception {
    town.serve(town.client("orders"), "o1");
    MeshClient web = town.client("web");
    ManagedChannel channel = town.channel(web, "orders");
    assertThat(say(channel, "hello")).isEqualTo("o1: hello");
    web.close();
    assertThat(refused(channel).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(refused(town.channel(web, "orders")).getCode()).isEqualTo(Status.Code.UNAVAILABLE);
  }
}
