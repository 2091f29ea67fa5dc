package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.meshnative.DialOptions;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.discovery.Endpoint;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.grpc.MeshServerBuilder;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSocket;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Instances that the catalog lists with the path of a unix socket, which Consul knows since 1.10.
 */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, true, CONSCRYPT", "EMBEDDED, false, JSSE", "CONSUL, true, CONSCRYPT"})
class UnixEndpointContractTest extends Contract {
  private static final Destination ORDERS = Destination.parse("orders");

  private Path folder;
  private Path path;

  @BeforeEach
  void knowsUnixSockets() throws IOException {
    assumeThat(kind != PlaneKind.CONSUL || RealPeers.consulIsAtLeast(1, 10))
        .as("the catalog has paths of unix sockets")
        .isTrue();
    folder = Files.createTempDirectory("mesh");
    path = folder.resolve("o.sock");
  }

  @AfterEach
  void removeFolder() throws IOException {
    if (folder != null) {
      Files.deleteIfExists(path);
      Files.deleteIfExists(folder);
    }
  }

  /** Serves as somebody at the path, where the catalog lists orders. */
  private void serve(MeshClient mesh) throws Exception {
    Server server =
        MeshServerBuilder.forAddress(UnixDomainSocketAddress.of(path), mesh)
            .addService(GrpcTalk.as("o1"))
            .build()
            .start();
    cast.keep(() -> {
      server.shutdownNow();
      assertThat(server.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    String unused =
        plane
            .api()
            .require(
                "PUT",
                "/v1/agent/service/register",
                "{\"Name\":\"orders\",\"ID\":\"o1\",\"SocketPath\":\""
                    + path
                    + "\",\"Connect\":{\"Native\":true}}");
    cast.keep(() -> plane.deregister("o1"));
  }

  private ManagedChannel channel(MeshClient mesh) {
    ManagedChannel channel = MeshChannelBuilder.forService("orders", mesh).build();
    cast.keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  private MeshClient granted(MeshClient orders) throws Exception {
    grant("web", "orders");
    MeshClient web = cast.client("web");
    awaitExplained(orders, "web", true);
    awaitExplained(web, ORDERS, true);
    Cast.awaitEndpoint(web, "orders");
    assertThat(web.endpoints(ORDERS))
        .singleElement()
        .extracting(Endpoint::address)
        .isEqualTo("unix:" + path);
    return web;
  }

  @Test
  void callsOfGrpcReachThemUntilTheirRightIsWithdrawn() throws Exception {
    MeshClient orders = cast.client("orders");
    serve(orders);
    MeshClient web = granted(orders);
    ManagedChannel channel = channel(web);
    GrpcTalk.talk(channel, "o1");
    GrpcTalk.Caller running = GrpcTalk.chat(channel);
    running.say("before");
    assertThat(running.next()).isEqualTo("o1: before");
    withdraw("web", "orders");
    assertThat(running.end().getCode())
        .isIn(Status.Code.PERMISSION_DENIED, Status.Code.UNAVAILABLE);
    awaitExplained(web, ORDERS, false);
    Cast.await("nobody is connected", () -> orders.snapshot().connections().isEmpty());
    Cast.await(
        "calls are denied",
        () -> GrpcTalk.status(channel).getCode() == Status.Code.PERMISSION_DENIED);
  }

  @Test
  void aDialReachesThemAndKnowsWhoAnswers() throws Exception {
    MeshClient orders = cast.client("orders");
    serve(orders);
    MeshClient web = granted(orders);
    try (SSLSocket socket = web.dial(ORDERS, DialOptions.defaults().withAlpn("h2"))) {
      assertThat(web.peer(socket.getSession()).service().service()).isEqualTo("orders");
      assertThat(socket.getApplicationProtocol()).isEqualTo("h2");
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      try (RawHttp2 http2 = new RawHttp2(socket)) {
        http2.frame(RawHttp2.PING, 0, 0, new byte[8]);
        http2.frame(RawHttp2.GOAWAY, 0, 0, new byte[8]);
      }
    }
    Cast.await("it leaves no connection", () -> web.snapshot().connections().isEmpty());
  }

  @Test
  void whoeverElseListensAtThePathIsNotBelieved() throws Exception {
    MeshClient other = cast.client("other");
    grant("web", "other");
    serve(other);
    awaitExplained(other, "web", true);
    grant("web", "orders");
    MeshClient web = cast.client("web");
    awaitExplained(web, ORDERS, true);
    Cast.awaitEndpoint(web, "orders");
    Status status = GrpcTalk.status(channel(web));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getDescription()).contains("/svc/orders").contains("/svc/other");
    Assertions.assertThatThrownBy(() -> web.dial("orders").close())
        .isInstanceOf(PeerIdentityException.class);
  }
}
