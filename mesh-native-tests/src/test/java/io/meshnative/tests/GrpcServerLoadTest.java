package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshChannelBuilder;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.Permission;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.MeshTestAuthority;
import io.meshnative.tests.TlsWorld.Tls;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A gRPC server and its callers while certificates rotate, and when many streams must end. */
@Timeout(600)
@ExtendWith(Quiet.class)
class GrpcServerLoadTest {
  private static final int STREAMS = 1_000;
  private static final int CHANNELS = 4;
  private static final int ROTATIONS = 100;

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  @AfterEach
  void stop() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  private MeshClient client(String service, FakeControlPlane plane, TlsProvider tls)
      throws Exception {
    MeshClient client =
        keep(MeshClient.builder(service).controlPlane(plane).tlsProvider(tls).build());
    client.awaitReady(Cast.GUARD);
    return client;
  }

  private GrpcLetters letters(MeshClient db) throws Exception {
    GrpcLetters letters = keep(GrpcLetters.of(db));
    webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", letters.port()));
    return letters;
  }

  private ManagedChannel channel(MeshClient web) {
    ManagedChannel channel = MeshChannelBuilder.forService("db", web).build();
    keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  /** Lets web call what stands under a path, and nothing else. */
  private static Intention only(String path) {
    return new Intention(
        new Intention.Source("", "default", "default", "web"),
        new Intention.Destination("default", "default", "db"),
        Optional.empty(),
        List.of(
            new Permission(
                Intention.Action.ALLOW,
                Optional.of(new Permission.PathCondition(Permission.PathKind.PREFIX, path)),
                List.of(),
                List.of(),
                false)),
        9,
        false,
        "",
        List.of());
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  @Tag("T25")
  void aThousandStreamsEndWhenTheirRightIsWithdrawn(Tls tls, TestReporter reporter)
      throws Exception {
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.DENY, only("/test.Letters/")));
    MeshClient db = client("db", dbPlane, tls.provider());
    GrpcLetters letters = letters(db);
    MeshClient web = client("web", webPlane, tls.provider());
    List<ManagedChannel> channels = new ArrayList<>();
    for (int i = 0; i < CHANNELS; i++) {
      channels.add(channel(web));
    }
    List<GrpcLetters.Talk> talks = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      talks.add(new GrpcLetters.Talk(channels.get(i % CHANNELS), "a word"));
    }
    Cast.await("all run", () -> talks.stream().noneMatch(talk -> talk.came.isEmpty()));
    long begun = System.nanoTime();
    dbPlane.intentions(FakeControlPlane.update(DefaultDecision.DENY, only("/test.Letters/Who")));
    Distribution ends = new Distribution();
    for (GrpcLetters.Talk talk : talks) {
      assertThat(talk.end().getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
      ends.add(talk.endedNanos() - begun);
    }
    reporter.publishEntry("mesh.grpc.revocation." + tls, ends.toString());
    Cast.await("every handler was told", () -> letters.cancelled.get() == STREAMS);
    for (ManagedChannel channel : channels) {
      assertThat(GrpcLetters.who(channel)).as("what is still allowed").isEqualTo("web");
    }
  }

  @ParameterizedTest
  @EnumSource(Tls.class)
  void noCallFailsInAHundredRotationsOfBothEnds(Tls tls) throws Exception {
    MeshClient db = client("db", dbPlane, tls.provider());
    letters(db);
    ManagedChannel channel = channel(client("web", webPlane, tls.provider()));
    assertThat(GrpcLetters.who(channel)).isEqualTo("web");
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger calls = new AtomicInteger();
    AtomicInteger streams = new AtomicInteger();
    Queue<String> failures = new ConcurrentLinkedQueue<>();
    List<Future<?>> load = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      load.add(
          Background.run(() -> {
            while (!over.get()) {
              count(GrpcLetters.end(channel, GrpcLetters.WHO), calls, failures);
            }
          }));
      load.add(
          Background.run(() -> {
            while (!over.get()) {
              count(streamOfWords(channel), streams, failures);
            }
          }));
    }
    long before = db.trustGeneration();
    for (int i = 0; i < ROTATIONS; i++) {
      dbPlane.issue(authority, "db");
      webPlane.issue(authority, "web");
      int seen = calls.get() + streams.get();
      Cast.await("the load goes on", () -> calls.get() + streams.get() > seen + 2);
    }
    over.set(true);
    for (Future<?> one : load) {
      one.get(Cast.GUARD.toSeconds(), TimeUnit.SECONDS);
    }
    assertThat(failures).isEmpty();
    assertThat(db.trustGeneration()).isEqualTo(before + ROTATIONS);
    assertThat(calls).hasPositiveValue();
    assertThat(streams).hasPositiveValue();
  }

  private static void count(Status end, AtomicInteger ended, Queue<String> failures) {
    if (end.isOk()) {
      ended.incrementAndGet();
    } else {
      failures.add(end.toString());
    }
  }

  private static Status streamOfWords(ManagedChannel channel) {
    try {
      GrpcLetters.Talk talk = new GrpcLetters.Talk(channel, "0");
      for (int i = 1; i < 20; i++) {
        talk.call.sendMessage(Integer.toString(i));
      }
      talk.call.halfClose();
      Status end = talk.end();
      return end.isOk() && talk.came.size() != 20
          ? Status.DATA_LOSS.withDescription(talk.came.toString())
          : end;
    } catch (Exception e) {
      return Status.fromThrowable(e);
    }
  }

  /** What an epoch holds goes with it; the provider counts its engines, and no finalizer helps. */
  @ParameterizedTest
  @CsvSource({"CONSCRYPT, 1000", "JSSE, 100"})
  void theEnginesOfEpochsThatAreOverAreFreed(Tls tls, int epochs) throws Exception {
    CountingProvider engines = new CountingProvider(tls.security());
    MeshClient db = client("db", dbPlane, TlsProvider.of(engines));
    letters(db);
    ManagedChannel channel = channel(client("web", webPlane, tls.provider()));
    int begun = engines.made();
    long before = db.trustGeneration();
    while (engines.made() - begun < epochs) {
      dbPlane.issue(authority, "db");
      webPlane.issue(authority, "web"); // new calls take a new connection
      assertThat(GrpcLetters.who(channel)).isEqualTo("web");
    }
    assertThat(db.trustGeneration() - before).isGreaterThanOrEqualTo(epochs);
    channel.shutdown();
    Cast.await("all are freed", () -> engines.live().isEmpty());
    assertThat(db.snapshot().connections()).isEmpty();
  }
}
