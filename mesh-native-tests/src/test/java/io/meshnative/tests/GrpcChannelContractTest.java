package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.meshnative.MeshClient;
import io.meshnative.NoEndpointException;
import io.meshnative.PeerIdentityException;
import io.meshnative.PeerRefusedException;
import io.meshnative.discovery.Destination;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.grpc.MeshServerBuilder;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** gRPC between two members of the mesh, on each control plane. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, JSSE",
  "CONSUL, true, JSSE",
  "CONSUL, false, CONSCRYPT"
})
class GrpcChannelContractTest extends Contract {
  private static final Destination ORDERS = Destination.parse("orders");
  private static final int ROTATIONS = 3;

  private final Set<String> registered = new HashSet<>();

  private void serve(MeshClient mesh, String service, String instance) throws Exception {
    Server server =
        MeshServerBuilder.forAddress(Cast.loopback(), mesh)
            .addService(GrpcTalk.as(instance))
            .build()
            .start();
    cast.keep(() -> {
      server.shutdownNow();
      assertThat(server.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    plane.register(service, instance, "127.0.0.1", server.getPort());
    registered.add(instance);
  }

  private void leave(String instance) throws IOException {
    if (registered.remove(instance)) {
      plane.deregister(instance);
    }
  }

  @AfterEach
  void leaveTheCatalog() throws IOException {
    for (String instance : List.copyOf(registered)) {
      leave(instance);
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

  private static void awaitCode(ManagedChannel channel, Status.Code code) {
    Cast.await("calls end with " + code, () -> GrpcTalk.status(channel).getCode() == code);
  }

  /** Both sides have heard of the grant. */
  private void awaitGranted(MeshClient web, MeshClient orders) {
    awaitExplained(orders, "web", true);
    awaitExplained(web, ORDERS, true);
  }

  @Test
  void callsOfEachKindArriveAndEndpointsComeAndGo() throws Exception {
    grant("web", "orders");
    MeshClient web = cast.client("web");
    MeshClient orders = cast.client("orders");
    awaitGranted(web, orders);
    ManagedChannel channel = channel(web);
    Status none = GrpcTalk.status(channel);
    assertThat(none.getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(none.getCause()).isInstanceOf(NoEndpointException.class);
    assertThat(none.getDescription()).contains("orders");

    serve(orders, "orders", "o1");
    awaitCode(channel, Status.Code.OK);
    GrpcTalk.talk(channel, "o1");
    GrpcTalk.Caller running = GrpcTalk.chat(channel);
    running.say("before");
    assertThat(running.next()).isEqualTo("o1: before");

    serve(orders, "orders", "o2");
    Cast.await("o2 answers too", () -> GrpcTalk.say(channel, "").equals("o2: "));
    leave("o1");
    Cast.await(
        "only o2 answers",
        () -> Stream.generate(() -> GrpcTalk.say(channel, "")).limit(6).allMatch("o2: "::equals));
    running.say("after");
    assertThat(running.next()).as("it drains").isEqualTo("o1: after");
    running.hangUp();
    assertThat(running.end().getCode()).isEqualTo(Status.Code.OK);
  }

  @Test
  void aWithdrawnRightEndsRunningCallsAndComesBack() throws Exception {
    grant("web", "orders");
    MeshClient web = cast.client("web");
    MeshClient orders = cast.client("orders");
    serve(orders, "orders", "o1");
    awaitGranted(web, orders);
    ManagedChannel channel = channel(web);
    awaitCode(channel, Status.Code.OK);
    GrpcTalk.Caller running = GrpcTalk.chat(channel);
    running.say("before");
    assertThat(running.next()).isEqualTo("o1: before");

    withdraw("web", "orders");
    // Whose side hears of it first ends the call, ours with the rule, theirs by a status or a cut.
    assertThat(running.end().getCode())
        .isIn(Status.Code.PERMISSION_DENIED, Status.Code.UNAVAILABLE);
    awaitExplained(orders, "web", false);
    awaitExplained(web, ORDERS, false);
    awaitCode(channel, Status.Code.PERMISSION_DENIED);
    Cast.await("no connection is left", () -> web.snapshot().connections().isEmpty());

    plane.allow("web", "orders");
    awaitGranted(web, orders);
    awaitCode(channel, Status.Code.OK);
    GrpcTalk.talk(channel, "o1");
  }

  @Test
  void whoReadsNoIntentionsIsRefusedByTheServer() throws Exception {
    MeshClient orders = cast.client("orders");
    serve(orders, "orders", "o1");
    plane.deny("web", "orders");
    awaitExplained(orders, "web", false);
    MeshClient web = cast.lawless("web");
    Cast.awaitEndpoint(web, "orders");
    ManagedChannel channel = channel(web);
    // A reset may overtake the alert; then the next attempt tells.
    Cast.await(
        "the refusal is told",
        () -> {
          channel.resetConnectBackoff();
          Status status = GrpcTalk.status(channel);
          assertThat(status.isOk()).isFalse();
          return status.getCode() == Status.Code.PERMISSION_DENIED
              && status.getCause() instanceof PeerRefusedException
              && String.valueOf(status.getDescription())
                  .contains("look at the intentions of orders");
        });
  }

  @Test
  void anotherServiceAtTheAddressIsRefused() throws Exception {
    grant("web", "orders");
    grant("web", "other");
    MeshClient web = cast.client("web");
    MeshClient other = cast.client("other");
    awaitExplained(other, "web", true);
    awaitExplained(web, ORDERS, true);
    serve(other, "orders", "x1");
    Cast.awaitEndpoint(web, "orders");
    Status status = GrpcTalk.status(channel(web));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getCause()).isInstanceOf(PeerIdentityException.class);
    assertThat(status.getDescription()).contains("/svc/orders").contains("/svc/other");
  }

  @Test
  void rotationsOfTheRootFailNoCall() throws Exception {
    grant("web", "orders");
    MeshClient web = cast.ready(cast.on(plane.impatientClient("web")));
    MeshClient orders = cast.ready(cast.on(plane.impatientClient("orders")));
    serve(orders, "orders", "o1");
    awaitGranted(web, orders);
    ManagedChannel channel = channel(web);
    awaitCode(channel, Status.Code.OK);
    GrpcTalk.Caller oldest = GrpcTalk.chat(channel);
    oldest.say("first");
    assertThat(oldest.next()).isEqualTo("o1: first");
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong calls = new AtomicLong();
    CompletableFuture<Void> load =
        Background.run(() -> {
          while (!over.get()) {
            assertThat(GrpcTalk.say(channel, "x")).isEqualTo("o1: x");
            calls.incrementAndGet();
          }
        });
    try {
      for (int rotation = 0; rotation < ROTATIONS; rotation++) {
        List<Long> before = List.of(web.trustGeneration(), orders.trustGeneration());
        Object ours = web.identity().chain().get(0);
        Object theirs = orders.identity().chain().get(0);
        plane.rotateRoot();
        Cast.await(
            "both have new leaves, after " + before,
            () ->
                load.isDone()
                    || (!web.identity().chain().get(0).equals(ours)
                        && !orders.identity().chain().get(0).equals(theirs)));
        long made = calls.get();
        Cast.await("calls go on", () -> load.isDone() || calls.get() > made);
      }
    } finally {
      over.set(true);
    }
    load.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS); // a call that failed is thrown here
    oldest.say("last");
    assertThat(oldest.next()).isEqualTo("o1: last");
    oldest.hangUp();
    assertThat(oldest.end().getCode()).isEqualTo(Status.Code.OK);
  }
}
