package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.meshnative.MeshClient;
import io.meshnative.intention.Decision;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A server in the mesh and gRPC's own clients, on each TLS engine. */
@ParameterizedClass
@EnumSource(Engine.class)
@Timeout(180)
class MeshServerTest {
  @Parameter Engine engine;

  private ServerWorld world;
  private MeshClient db;
  private MeshClient web;
  private final Letters letters = new Letters();

  @BeforeEach
  void start() throws Exception {
    world = new ServerWorld(engine);
    db = world.mesh("db");
    web = world.mesh("web");
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  static String call(Channel channel, String method, String word) {
    return ClientCalls.blockingUnaryCall(
        channel,
        Words.unary(method),
        CallOptions.DEFAULT.withDeadlineAfter(60, TimeUnit.SECONDS),
        word);
  }

  static StatusRuntimeException refused(Channel channel, String method) {
    return catchThrowableOfType(
        StatusRuntimeException.class, () -> call(channel, method, "a word"));
  }

  static void assertDenied(StatusRuntimeException refusal, Decision.Cause cause) {
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(refusal.getStatus().getDescription()).isEqualTo(cause.id());
    Metadata trailers = refusal.getTrailers();
    assertThat(trailers).isNotNull();
    assertThat(trailers.get(MeshGrpc.REFUSAL)).isEqualTo(cause.id());
  }

  @Test
  void aCallIsServedAndItsHandlerKnowsWhoCalls() throws Exception {
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.channel(web, server);
    assertThat(call(channel, Letters.SAY, "hello")).isEqualTo("hello");
    assertThat(call(channel, Letters.WHO, "")).isEqualTo("web");
    Iterator<String> told =
        ClientCalls.blockingServerStreamingCall(
            channel,
            Words.method(Letters.TELL, io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING),
            CallOptions.DEFAULT,
            "once");
    assertThat(told.next()).isEqualTo("once");
  }

  @Test
  void whomAnIntentionDeniesIsRefusedInTheHandshake() throws Exception {
    world.plane.deny("web", "db");
    await().atMost(ServerWorld.GUARD).until(() -> !db.explain("web").isAllowed());
    Server server = world.serve(db, letters.service());
    StatusRuntimeException refusal = refused(world.channel(web, server), Letters.SAY);
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(letters.entered).hasValue(0);
    assertThat(db.snapshot().connections()).isEmpty();
  }

  @Test
  void anIntentionWithPermissionsDecidesEachCallByItsMethod() throws Exception {
    world.plane.intention(
        "web",
        "db",
        """
        [{"Action": "allow", "HTTP": {"PathExact": "/test.Letters/Say", "Methods": ["POST"]}},
         {"Action": "deny", "HTTP": {"PathPrefix": "/"}}]
        """);
    await().atMost(ServerWorld.GUARD).until(() -> !db.explain("web").isAllowed());
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.channel(web, server);
    assertThat(call(channel, Letters.SAY, "hello")).isEqualTo("hello");
    assertDenied(refused(channel, Letters.WHO), Decision.Cause.PERMISSION);
    assertDenied(refused(channel, "test.Nothing/Here"), Decision.Cause.PERMISSION);
    assertThat(letters.entered).hasValue(1);
  }
}
