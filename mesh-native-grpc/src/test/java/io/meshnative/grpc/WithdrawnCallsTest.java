package io.meshnative.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import io.meshnative.MeshSnapshot;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** T25: calls that run when their right is withdrawn, whatever caller and application are doing. */
@ParameterizedClass
@EnumSource(Engine.class)
@Timeout(180)
class WithdrawnCallsTest {
  private static final String ALLOWED =
      "[{\"Action\": \"allow\", \"HTTP\": {\"PathPrefix\": \"/test.\"}}]";
  private static final String DENIED =
      """
      [{"Action": "allow", "HTTP": {"PathExact": "/test.Letters/Say"}},
       {"Action": "deny", "HTTP": {"PathPrefix": "/test."}}]
      """;

  @Parameter Engine engine;

  private ServerWorld world;
  private MeshClient db;
  private final Letters letters = new Letters();

  @BeforeEach
  void start() throws Exception {
    world = new ServerWorld(engine);
    world.plane.defaultAllow(false);
    world.plane.intention("web", "db", ALLOWED);
    db = world.mesh("db");
    await().atMost(ServerWorld.GUARD).until(() -> needsRequest());
  }

  private boolean needsRequest() {
    return db.explain("web") instanceof Decision.Denied denied
        && denied.cause() == Decision.Cause.NEEDS_REQUEST;
  }

  @AfterEach
  void stop() throws Exception {
    world.close();
  }

  private void flip() {
    world.plane.intention("web", "db", DENIED);
  }

  private static void assertWithdrawn(Stream stream) throws Exception {
    Status status = stream.end();
    assertThat(status.getCode()).as(status.toString()).isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(stream.trailers.get(MeshGrpc.REFUSAL)).isEqualTo(Decision.Cause.PERMISSION.id());
  }

  @Tag("T25")
  @Test
  void everyKindOfStreamEndsAndItsConnectionServesWhatIsStillAllowed() throws Exception {
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.stranger("web", server);
    Stream tell =
        Stream.open(channel, Words.method(Letters.TELL, MethodType.SERVER_STREAMING), "one");
    Stream talk = Stream.open(channel, Words.bidi(Letters.TALK), "two");
    Stream hear =
        Stream.open(channel, Words.method(Letters.HEAR, MethodType.CLIENT_STREAMING), "three");
    await()
        .atMost(ServerWorld.GUARD)
        .until(() ->
            tell.came.contains("one")
                && talk.came.contains("two")
                && letters.heard.contains("three"));
    List<Instant> before = connectedSince();
    flip();
    for (Stream stream : List.of(tell, talk, hear)) {
      assertWithdrawn(stream);
    }
    await().atMost(ServerWorld.GUARD).until(() -> letters.cancelled.get() == 3);
    assertThat(MeshServerTest.call(channel, Letters.SAY, "still")).isEqualTo("still");
    assertOneConnectionFrom(before);
  }

  private List<Instant> connectedSince() {
    return db.snapshot().connections().stream().map(MeshSnapshot.LiveConnection::since).toList();
  }

  private void assertOneConnectionFrom(List<Instant> before) {
    assertThat(before).hasSize(1);
    assertThat(connectedSince()).as("the connection lives on").isEqualTo(before);
  }

  @Tag("T25")
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCallerThatDoesNotReadIsCutOffFromWhatWaitsForIt(boolean ended) throws Exception {
    CountDownLatch full = new CountDownLatch(1);
    ServerServiceDefinition flood =
        ServerServiceDefinition.builder("test.Flood")
            .addMethod(
                Words.method("test.Flood/Pour", MethodType.SERVER_STREAMING),
                ServerCalls.asyncServerStreamingCall((String word, StreamObserver<String> to) -> {
                  ServerCallStreamObserver<String> answer = (ServerCallStreamObserver<String>) to;
                  answer.setOnCancelHandler(letters.cancelled::incrementAndGet);
                  answer.onNext(word.repeat(1024 * 1024)); // sixteen times the caller's window
                  if (ended) {
                    answer.onCompleted(); // which waits behind it
                  }
                  full.countDown();
                }))
            .build();
    Server server = world.serve(db, letters.service(), flood);
    ManagedChannel channel = world.stranger("web", server);
    Stream deaf =
        Stream.deaf(channel, Words.method("test.Flood/Pour", MethodType.SERVER_STREAMING), "x");
    assertThat(full.await(60, TimeUnit.SECONDS)).isTrue();
    List<Instant> before = connectedSince();
    flip();
    await().atMost(ServerWorld.GUARD).until(() -> letters.cancelled.get() == 1);
    deaf.call.request(Integer.MAX_VALUE);
    Status status = deaf.end();
    assertThat(status.getCode()).isEqualTo(Status.Code.CANCELLED);
    assertThat(deaf.came).as("of what waited for it").isEmpty();
    assertThat(MeshServerTest.call(channel, Letters.SAY, "still")).isEqualTo("still");
    assertOneConnectionFrom(before);
  }

  @Tag("T25")
  @Test
  void anApplicationThatIsBusyWithTheCallDoesNotHoldUpItsEnd() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    world.keep(leave::countDown);
    ServerServiceDefinition slow =
        ServerServiceDefinition.builder("test.Slow")
            .addMethod(
                Words.unary("test.Slow/Think"),
                ServerCalls.asyncUnaryCall((String word, StreamObserver<String> answer) -> {
                  entered.countDown();
                  awaitUninterruptibly(leave);
                  answer.onNext("too late");
                  answer.onCompleted();
                }))
            .build();
    Server server = world.serve(db, slow);
    Stream thinking =
        Stream.open(world.stranger("web", server), Words.unary("test.Slow/Think"), "why");
    assertThat(entered.await(60, TimeUnit.SECONDS)).isTrue();
    flip();
    assertWithdrawn(thinking);
    leave.countDown();
    assertThat(thinking.came).isEmpty();
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** It was allowed when it came, and is not when it is its turn. */
  @Tag("T25")
  @Test
  void aCallThatWaitsForAThreadIsDecidedWhenItGetsOne() throws Exception {
    CountDownLatch leave = new CountDownLatch(1);
    ExecutorService busy = Executors.newSingleThreadExecutor();
    world.keep(busy::shutdown);
    world.keep(leave::countDown);
    AtomicInteger arrived = new AtomicInteger();
    Server server =
        world.serve(
            db,
            builder ->
                builder
                    .addService(letters.service())
                    .executor(busy)
                    .addStreamTracerFactory(
                        new ServerStreamTracer.Factory() {
                          @Override
                          public ServerStreamTracer newServerStreamTracer(
                              String name, Metadata headers) {
                            arrived.incrementAndGet();
                            return new ServerStreamTracer() {};
                          }
                        }));
    ManagedChannel channel = world.stranger("web", server);
    // First, since gRPC has the JDK's engine do its part of a handshake on the same executor.
    assertThat(MeshServerTest.call(channel, Letters.SAY, "a")).isEqualTo("a");
    busy.execute(() -> awaitUninterruptibly(leave));
    Stream tell =
        Stream.open(channel, Words.method(Letters.TELL, MethodType.SERVER_STREAMING), "one");
    await().atMost(ServerWorld.GUARD).until(() -> arrived.get() == 2);
    flip();
    HttpRequestView call = HttpRequestView.of("POST", "/" + Letters.TELL, List.of("db"), Map.of());
    await().atMost(ServerWorld.GUARD).until(() -> !db.explain("web", call).isAllowed());
    leave.countDown();
    assertWithdrawn(tell);
    assertThat(letters.entered).as("by the first call").hasValue(1);
  }

  @Tag("T25")
  @Test
  void aServerThatRunsItsCallsOnTheEventLoopEndsThemToo() throws Exception {
    Server server =
        world.serve(db, builder -> builder.addService(letters.service()).directExecutor());
    Stream talk = Stream.open(world.stranger("web", server), Words.bidi(Letters.TALK), "two");
    await().atMost(ServerWorld.GUARD).until(() -> talk.came.contains("two"));
    flip();
    assertWithdrawn(talk);
    await().atMost(ServerWorld.GUARD).until(() -> letters.cancelled.get() == 1);
  }

  @Tag("T25")
  @Test
  void aConnectionWhoseCallerLosesEveryRightIsClosed() throws Exception {
    Server server = world.serve(db, letters.service());
    ManagedChannel channel = world.stranger("web", server);
    Stream talk = Stream.open(channel, Words.bidi(Letters.TALK), "two");
    await().atMost(ServerWorld.GUARD).until(() -> talk.came.contains("two"));
    world.plane.deny("web", "db");
    assertThat(talk.end().isOk()).isFalse();
    await()
        .atMost(ServerWorld.GUARD)
        .until(() -> db.snapshot().connections().isEmpty() && letters.cancelled.get() == 1);
    assertThat(MeshServerTest.refused(channel, Letters.SAY).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
  }
}
