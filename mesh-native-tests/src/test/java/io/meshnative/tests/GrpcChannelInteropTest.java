package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Our gRPC channels and servers that we did not write, with certificates of a real agent. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith({Quiet.class, EnvoyLogs.class})
class GrpcChannelInteropTest {
  private static final Destination ORDERS = Destination.parse("orders");

  private ConsulAgent agent;
  private Cast cast;

  @BeforeAll
  void startAgent() throws IOException {
    RealPeers.requireConsul();
    agent = ConsulAgent.start(true);
  }

  @AfterAll
  void stopAgent() {
    if (agent != null) {
      agent.close();
    }
  }

  @AfterEach
  void leaveNothing() throws Exception {
    if (cast != null) {
      cast.close();
      agent.removeAllIntentions();
    }
  }

  private ManagedChannel channel(MeshClient mesh) {
    ManagedChannel channel = MeshChannelBuilder.forService("orders", mesh).build();
    cast.keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  private static void awaitServed(ManagedChannel channel) {
    Cast.await(
        "calls are answered",
        () -> {
          channel.resetConnectBackoff();
          return GrpcTalk.status(channel).isOk();
        });
  }

  private static void assertEndsAndIsDenied(
      ManagedChannel channel, GrpcTalk.Caller running, Runnable deny) throws Exception {
    running.say("before");
    assertThat(running.next()).isEqualTo("o1: before");
    deny.run();
    // Such servers know of no intentions, or ask only on accepting: our side ends what runs.
    Status end = running.end();
    assertThat(end.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(end.getCause()).isInstanceOf(MeshAuthorizationException.class);
    assertThat(GrpcTalk.status(channel).getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  private void deny() {
    try {
      agent.deny("web", "orders");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aPlainServerWithALeafOfTheAgentIsCalled(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    GrpcPlainServer server =
        cast.keep(GrpcPlainServer.withLeaf(agent, "orders", GrpcTalk.as("o1")));
    agent.register("orders", "o1", "127.0.0.1", server.port());
    cast.keep(() -> agent.deregister("o1"));
    ManagedChannel channel = channel(cast.client("web"));
    awaitServed(channel);
    GrpcTalk.talk(channel, "o1");
    assertEndsAndIsDenied(channel, GrpcTalk.chat(channel), this::deny);
    agent.remove("web", "orders");
    awaitServed(channel);
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aPlainServerOfAnotherServiceIsNotBelieved(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    GrpcPlainServer server = cast.keep(GrpcPlainServer.withLeaf(agent, "other", GrpcTalk.as("x1")));
    agent.register("orders", "o1", "127.0.0.1", server.port());
    cast.keep(() -> agent.deregister("o1"));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "orders");
    Status status = GrpcTalk.status(channel(web));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getDescription()).contains("/svc/orders").contains("/svc/other");
  }

  /**
   * A hop of layer 4: it ends TLS, and its application speaks HTTP/2 without knowing of the mesh.
   */
  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aServerBehindTheBuiltInProxyIsCalled(TlsKind tls) throws Exception {
    cast = new Cast(agent, tls.provider());
    GrpcPlainServer server = cast.keep(GrpcPlainServer.inPlaintext(GrpcTalk.as("o1")));
    int listen = Ports.reserve();
    Process proxy =
        agent.run(
            "orders-proxy.log",
            List.of(
                "connect",
                "proxy",
                "-service=orders",
                "-service-addr=127.0.0.1:" + server.port(),
                "-listen=127.0.0.1:" + listen,
                "-register",
                "-register-id=orders-" + listen),
            Map.of());
    cast.keep(() -> ConsulAgent.end(proxy));
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "orders");
    assertThat(web.endpoints(ORDERS))
        .singleElement()
        .extracting(Endpoint::kind)
        .isEqualTo(Endpoint.Kind.PROXY);
    ManagedChannel channel = channel(web);
    awaitServed(channel);
    GrpcTalk.talk(channel, "o1");
    assertEndsAndIsDenied(channel, GrpcTalk.chat(channel), this::deny);
    agent.remove("web", "orders");
    awaitServed(channel);
  }

  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aServerBehindEnvoyIsCalledAndEnvoyDecidesOverMethods(TlsKind tls) throws Exception {
    RealPeers.requireEnvoyAtLeast(1, 36);
    cast = new Cast(agent, tls.provider());
    GrpcPlainServer server = cast.keep(GrpcPlainServer.inPlaintext(GrpcTalk.as("o1")));
    EnvoySidecar orders =
        cast.keep(
            EnvoySidecar.inbound(agent, "orders", EnvoySidecar.Protocol.HTTP2, server.port())
                .start());
    orders.register();
    MeshClient web = cast.client("web");
    Cast.awaitEndpoint(web, "orders");
    ManagedChannel channel = channel(web);
    awaitServed(channel);
    GrpcTalk.talk(channel, "o1");

    orders.enforce(List.of(permitted("/test.Talk/Chat")), DefaultDecision.DENY);
    Cast.await(
        "Envoy denies Say",
        () -> GrpcTalk.status(channel).getCode() == Status.Code.PERMISSION_DENIED);
    GrpcTalk.Caller chat = GrpcTalk.chat(channel);
    chat.say("still");
    assertThat(chat.next()).isEqualTo("o1: still");
    chat.hangUp();
    assertThat(chat.end().getCode()).isEqualTo(Status.Code.OK);
    orders.enforce(List.of(), DefaultDecision.ALLOW);
    awaitServed(channel);
    assertEndsAndIsDenied(channel, GrpcTalk.chat(channel), this::deny);
  }

  private static Intention permitted(String path) {
    return new Intention(
        new Intention.Source("", "default", "default", "web"),
        new Intention.Destination("default", "default", "orders"),
        Optional.empty(),
        List.of(
            new Permission(
                Intention.Action.ALLOW,
                Optional.of(new Permission.PathCondition(Permission.PathKind.EXACT, path)),
                List.of(),
                List.of(),
                false)),
        9,
        false,
        "",
        List.of());
  }

  /** Envoy goes over to its new certificate by itself, and we to ours. */
  @ParameterizedTest
  @EnumSource(TlsKind.class)
  void aRotationOnBothSidesOfEnvoyFailsNoCall(TlsKind tls) throws Exception {
    RealPeers.requireEnvoyAtLeast(1, 36);
    cast = new Cast(agent, tls.provider());
    GrpcPlainServer server = cast.keep(GrpcPlainServer.inPlaintext(GrpcTalk.as("o1")));
    EnvoySidecar orders =
        cast.keep(
            EnvoySidecar.inbound(agent, "orders", EnvoySidecar.Protocol.HTTP2, server.port())
                .start());
    orders.register();
    MeshClient web = cast.ready(cast.on(agent.impatientClient("web")));
    Cast.awaitEndpoint(web, "orders");
    ManagedChannel channel = channel(web);
    awaitServed(channel);
    GrpcTalk.Caller oldest = GrpcTalk.chat(channel);
    oldest.say("first");
    assertThat(oldest.next()).isEqualTo("o1: first");
    Object before = web.identity().chain().get(0);
    agent.rotateRoot();
    orders.followRoots(); // before anybody shows it a leaf of the new root
    Cast.await(
        "web has a new leaf, and each call is answered",
        () -> {
          assertThat(GrpcTalk.say(channel, "x")).isEqualTo("o1: x");
          return !web.identity().chain().get(0).equals(before);
        });
    orders.renewLeaf();
    for (int i = 0; i < 20; i++) {
      assertThat(GrpcTalk.say(channel, "x")).isEqualTo("o1: x");
    }
    oldest.say("last");
    assertThat(oldest.next()).isEqualTo("o1: last");
    oldest.hangUp();
    assertThat(oldest.end().getCode()).isEqualTo(Status.Code.OK);
  }
}
