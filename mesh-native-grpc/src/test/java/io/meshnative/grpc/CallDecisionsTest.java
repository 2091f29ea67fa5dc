package io.meshnative.grpc;

import static io.meshnative.grpc.MeshServerTest.assertDenied;
import static io.meshnative.grpc.MeshServerTest.call;
import static io.meshnative.grpc.MeshServerTest.refused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.BinaryLog;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Context;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerStreamTracer;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.grpc.stub.MetadataUtils;
import io.meshnative.HttpRefusal;
import io.meshnative.MeshClient;
import io.meshnative.intention.Decision;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** T33 to T38, T43, T44: every call is decided, on what it is called and what it says. */
@Timeout(180)
class CallDecisionsTest {
  private static final String SAY_ONLY =
      "[{\"Action\": \"allow\", \"HTTP\": {\"PathExact\": \"/test.Letters/Say\"}}]";

  private ServerWorld world;
  private MeshClient db;
  private final Letters letters = new Letters();

  @BeforeEach
  void start() throws Exception {
    world = new ServerWorld(Engine.CONSCRYPT);
    world.plane.defaultAllow(false);
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  private Server serve(String permissions, UnaryOperator<MeshServerBuilder> settings)
      throws Exception {
    world.plane.intention("web", "db", permissions);
    db = world.mesh("db");
    await()
        .atMost(ServerWorld.GUARD)
        .until(() ->
            db.explain("web") instanceof Decision.Denied denied
                && denied.cause() == Decision.Cause.NEEDS_REQUEST);
    return world.serve(db, settings);
  }

  private ManagedChannel channel(String permissions) throws Exception {
    return world.stranger("web", serve(permissions, b -> b.addService(letters.service())));
  }

  private static Channel with(Channel channel, Metadata metadata) {
    return ClientInterceptors.intercept(
        channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
  }

  private static Metadata metadata(String... namesAndValues) {
    Metadata metadata = new Metadata();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      metadata.put(
          Metadata.Key.of(namesAndValues[i], Metadata.ASCII_STRING_MARSHALLER),
          namesAndValues[i + 1]);
    }
    return metadata;
  }

  private static Metadata binary(String name, byte... value) {
    Metadata metadata = new Metadata();
    metadata.put(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER), value);
    return metadata;
  }

  private static String header(String condition) {
    return "[{\"Action\": \"allow\", \"HTTP\": {\"PathPrefix\": \"/\", \"Header\": ["
        + condition
        + "]}}]";
  }

  // ---- what is judged ----

  @Test
  void aHeaderDecides() throws Exception {
    ManagedChannel channel = channel(header("{\"Name\": \"x-role\", \"Exact\": \"admin\"}"));
    assertThat(call(with(channel, metadata("x-role", "admin")), Letters.SAY, "a")).isEqualTo("a");
    assertDenied(refused(channel, Letters.SAY), Decision.Cause.DEFAULT);
    assertDenied(
        refused(with(channel, metadata("x-role", "user")), Letters.SAY), Decision.Cause.DEFAULT);
    assertDenied(
        refused(with(channel, metadata("x-role", "user", "x-role", "admin")), Letters.SAY),
        Decision.Cause.DEFAULT);
  }

  @Tag("T44")
  @Test
  void aBinaryHeaderIsJudgedInTheBase64ThatTravels() throws Exception {
    ManagedChannel channel = channel(header("{\"Name\": \"role-bin\", \"Exact\": \"AAH/\"}"));
    assertThat(
            call(
                with(channel, binary("role-bin", (byte) 0, (byte) 1, (byte) -1)), Letters.SAY, "a"))
        .isEqualTo("a");
    assertDenied(
        refused(with(channel, binary("role-bin", (byte) 0, (byte) 1)), Letters.SAY),
        Decision.Cause.DEFAULT);
  }

  @Test
  void theAuthorityIsTheHostHeader() throws Exception {
    Server server =
        serve(
            header("{\"Name\": \":authority\", \"Exact\": \"orders.example:1\"}"),
            builder -> builder.addService(letters.service()));
    ManagedChannel other = world.stranger("web", server);
    assertDenied(refused(other, Letters.SAY), Decision.Cause.DEFAULT);
    ManagedChannel named = world.stranger("web", server, "Orders.Example:1");
    assertThat(call(named, Letters.SAY, "a")).isEqualTo("a");
  }

  @Tag("T33")
  @ParameterizedTest
  @ValueSource(
      strings = {
        "test.Letters/Say/../Who", "test.Letters//Say", "test.Letters/Sa%79", "test.Letters/Say;x",
        "test.Letters/Say%2f", "/test.Letters/Say", "test.Letters/S\\ay", "test.Letters/./Say"
      })
  void aNameWithASecondReadingIsRefusedBeforeTheDecision(String name) throws Exception {
    ManagedChannel channel =
        channel("[{\"Action\": \"allow\", \"HTTP\": {\"PathPrefix\": \"/\"}}]");
    StatusRuntimeException refusal = refused(channel, name);
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
    assertThat(refusal.getTrailers().get(MeshGrpc.REFUSAL)).isEqualTo(HttpRefusal.MALFORMED);
  }

  @Tag("T36")
  @Test
  void metadataWithASecondReadingIsRefusedBeforeTheDecision() throws Exception {
    ManagedChannel channel =
        channel("[{\"Action\": \"allow\", \"HTTP\": {\"PathPrefix\": \"/\"}}]");
    for (Metadata metadata :
        List.of(metadata("x_role", "admin"), metadata("x-role", "a", "_", "b"))) {
      StatusRuntimeException refusal = refused(with(channel, metadata), Letters.SAY);
      assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
      assertThat(refusal.getTrailers().get(MeshGrpc.REFUSAL)).isEqualTo(HttpRefusal.MALFORMED);
    }
    assertThat(letters.entered).hasValue(0);
  }

  @Test
  void otherLettersAreOtherMethods() throws Exception {
    ManagedChannel channel = channel(SAY_ONLY);
    for (String name : List.of("test.Letters/say", "Test.Letters/Say", "test.Letters/Say/")) {
      assertDenied(refused(channel, name), Decision.Cause.DEFAULT);
    }
  }

  @Tag("T38")
  @Test
  void whatACallerSaysAboutItselfIsSeenByNobodyAndSatisfiesNoRule() throws Exception {
    Queue<Metadata> seen = new ConcurrentLinkedQueue<>();
    Server server =
        serve(
            """
            [{"Action": "allow", "HTTP": {"PathExact": "/test.Letters/Say"}},
             {"Action": "allow",
              "HTTP": {"PathPrefix": "/", "Header": [{"Name": "x-consul-role", "Present": true}]}}]
            """,
            builder ->
                builder
                    .addService(letters.service())
                    .addStreamTracerFactory(
                        new ServerStreamTracer.Factory() {
                          @Override
                          public ServerStreamTracer newServerStreamTracer(
                              String name, Metadata headers) {
                            seen.add(headers);
                            return new ServerStreamTracer() {};
                          }
                        })
                    .intercept(new Seeing(seen)));
    Metadata forged =
        metadata(
            "x-forwarded-client-cert",
            "By=me",
            "x-consul-role",
            "admin",
            "l5d-client-id",
            "root",
            "x-envoy-peer",
            "p",
            "x-mine",
            "kept");
    forged.merge(binary("x-spiffe-id-bin", (byte) 1));
    Channel channel = with(world.stranger("web", server), forged);
    assertThat(call(channel, Letters.SAY, "a")).isEqualTo("a");
    assertDenied(refused(channel, Letters.WHO), Decision.Cause.DEFAULT);
    assertThat(seen).hasSize(3); // the tracer twice, the interceptor once
    for (Metadata headers : seen) {
      assertThat(headers.keys())
          .contains("x-mine")
          .doesNotContain(
              "x-forwarded-client-cert",
              "x-consul-role",
              "l5d-client-id",
              "x-envoy-peer",
              "x-spiffe-id-bin");
    }
  }

  private record Seeing(Queue<Metadata> seen) implements ServerInterceptor {
    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
      seen.add(headers);
      return next.startCall(call, headers);
    }
  }

  // ---- what there is ----

  @Tag("T44")
  @Test
  void whoMayNotCallLearnsNothingOfWhatThereIs() throws Exception {
    ManagedChannel channel = channel(SAY_ONLY);
    for (String name :
        List.of(Letters.WHO, "test.Letters/Nothing", "no.Service/Say", "noslash", "a/b/c")) {
      assertDenied(refused(channel, name), Decision.Cause.DEFAULT);
    }
  }

  @Test
  void whoMayCallIsToldThatThereIsNothing() throws Exception {
    ManagedChannel channel =
        channel("[{\"Action\": \"allow\", \"HTTP\": {\"PathPrefix\": \"/test.\"}}]");
    StatusRuntimeException refusal = refused(channel, "test.Letters/Nothing");
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.UNIMPLEMENTED);
    assertThat(refusal.getStatus().getDescription())
        .isEqualTo("Method not found: test.Letters/Nothing");
    assertDenied(refused(channel, "rest.Letters/Nothing"), Decision.Cause.DEFAULT);
  }

  @Tag("T44")
  @Test
  void healthAndReflectionAreServicesLikeAnyOther() throws Exception {
    HealthStatusManager health = new HealthStatusManager();
    Server server =
        serve(
            "[{\"Action\": \"allow\", \"HTTP\": {\"PathExact\": \"/grpc.health.v1.Health/Check\"}}]",
            builder ->
                builder
                    .addService(letters.service())
                    .addService(health.getHealthService())
                    .addService(ProtoReflectionServiceV1.newInstance()));
    ManagedChannel channel = world.stranger("web", server);
    assertThat(
            HealthGrpc.newBlockingStub(channel)
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(HealthCheckResponse.ServingStatus.SERVING);
    Stream watch =
        Stream.open(
            channel,
            Words.method(
                "grpc.health.v1.Health/Watch", MethodDescriptor.MethodType.SERVER_STREAMING),
            "");
    Stream reflection =
        Stream.open(
            channel, Words.bidi("grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), "");
    for (Stream stream : List.of(watch, reflection)) {
      assertThat(stream.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThat(stream.came).isEmpty();
    }
  }

  @Tag("T44")
  @Test
  void aFallbackRegistryCannotLendAMethodAnotherName() throws Exception {
    ServerMethodDefinition<?, ?> say = letters.service().getMethod(Letters.SAY);
    Map<String, ServerMethodDefinition<?, ?>> aliases =
        Map.of("test.Alias/Say", say, "test.Letters/Say", say);
    Queue<String> names = new ConcurrentLinkedQueue<>();
    Server server =
        serve(
            SAY_ONLY,
            builder ->
                builder
                    .fallbackHandlerRegistry(
                        new HandlerRegistry() {
                          @Override
                          public @Nullable ServerMethodDefinition<?, ?> lookupMethod(
                              String name, @Nullable String authority) {
                            if (name.endsWith("Broken")) {
                              throw new IllegalStateException("a registry that fails");
                            }
                            return aliases.get(name);
                          }
                        })
                    .intercept(new Naming(names)));
    ManagedChannel channel = world.stranger("web", server);
    assertThat(call(channel, Letters.SAY, "a")).isEqualTo("a");
    for (String name : List.of("test.Alias/Say", "test.Letters/Broken", "test.Letters/Nothing")) {
      assertDenied(refused(channel, name), Decision.Cause.DEFAULT);
    }
    assertThat(names).containsExactly(Letters.SAY);
  }

  private record Naming(Queue<String> names) implements ServerInterceptor {
    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
      names.add(call.getMethodDescriptor().getFullMethodName());
      return next.startCall(call, headers);
    }
  }

  // ---- who comes first ----

  @Test
  void noInterceptorOfAnyKindComesBeforeTheDecision() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    ServerInterceptor eager = new Eager(asked);
    Server server =
        serve(
            SAY_ONLY,
            builder ->
                builder
                    .intercept(eager)
                    .addService(ServerInterceptors.intercept(letters.service(), eager))
                    .addTransportFilter(new ServerTransportFilter() {})
                    .intercept(eager));
    ManagedChannel channel = world.stranger("web", server);
    assertDenied(refused(channel, Letters.WHO), Decision.Cause.DEFAULT);
    assertDenied(refused(channel, "no.Service/Here"), Decision.Cause.DEFAULT);
    assertThat(asked).hasValue(0);
    assertThat(call(channel, Letters.SAY, "a")).isEqualTo("a");
    assertThat(asked).as("each of the three, once").hasValue(3);
  }

  /** Has the peer at hand already, since the decision came first. */
  private record Eager(AtomicInteger asked) implements ServerInterceptor {
    @Override
    public <Q, S> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, S> call, Metadata headers, ServerCallHandler<Q, S> next) {
      if (MeshGrpc.PEER.get().service().service().equals("web")) {
        asked.incrementAndGet();
      }
      return next.startCall(call, headers);
    }
  }

  @Test
  void anApplicationThatTakesTheContextAwayStillGetsDecidedCalls() throws Exception {
    Server server =
        serve(
            SAY_ONLY,
            builder ->
                builder
                    .addService(letters.service())
                    .addStreamTracerFactory(
                        new ServerStreamTracer.Factory() {
                          @Override
                          public ServerStreamTracer newServerStreamTracer(
                              String name, Metadata headers) {
                            return new ServerStreamTracer() {
                              @Override
                              public Context filterContext(Context context) {
                                return Context.ROOT;
                              }
                            };
                          }
                        }));
    ManagedChannel channel = world.stranger("web", server);
    assertThat(call(channel, Letters.SAY, "a")).isEqualTo("a");
    assertDenied(refused(channel, Letters.WHO), Decision.Cause.DEFAULT);
  }

  @Tag("T43")
  @Test
  void aFilterThatForgetsTheConnectionMakesEveryCallDenied() throws Exception {
    Server server =
        serve(
            SAY_ONLY,
            builder ->
                builder
                    .addService(letters.service())
                    .addTransportFilter(
                        new ServerTransportFilter() {
                          @Override
                          public io.grpc.Attributes transportReady(io.grpc.Attributes attributes) {
                            return io.grpc.Attributes.EMPTY;
                          }
                        }));
    assertDenied(
        refused(world.stranger("web", server), Letters.SAY), Decision.Cause.EVALUATION_FAILED);
    assertThat(letters.entered).hasValue(0);
  }

  @Test
  void whatStandsBeforeTheDecisionOrInItsPlaceIsRefused() throws Exception {
    MeshClient mesh = world.mesh("db");
    MeshServerBuilder builder = MeshServerBuilder.forPort(0, mesh);
    assertThatThrownBy(() -> builder.setBinaryLog(new Log()))
        .isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(
            () -> builder.useTransportSecurity(new java.io.File("a"), new java.io.File("b")))
        .isInstanceOf(UnsupportedOperationException.class);
    builder.setBinaryLog(null).build();
    assertThatThrownBy(builder::build).isInstanceOf(IllegalStateException.class);
  }

  private static final class Log extends BinaryLog {
    @Override
    public <Q, S> ServerMethodDefinition<?, ?> wrapMethodDefinition(
        ServerMethodDefinition<Q, S> method) {
      return method;
    }

    @Override
    public Channel wrapChannel(Channel channel) {
      return channel;
    }

    @Override
    public void close() {}
  }
}
