package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Certificates and roots change under running calls. */
@ParameterizedClass
@EnumSource(Town.Engine.class)
class RotationTest {
  private static final int ROTATIONS = 50; // on each engine

  @Parameter Town.Engine engine;

  private final ExecutorService callers = Executors.newCachedThreadPool();
  private Town town;
  private MeshClient web;
  private MeshClient orders;
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    town = new Town(engine);
    web = town.client("web");
    orders = town.client("orders");
    town.serve(orders, "o1");
    town.serve(orders, "o2");
    channel = town.channel(web, "orders");
  }

  @AfterEach
  void stop() throws Exception {
    callers.shutdownNow();
    town.close();
  }

  @Test
  void noCallFailsWhileCertificatesAndRootsRotate() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    AtomicLong calls = new AtomicLong();
    AtomicLong echoes = new AtomicLong();
    List<Future<?>> load = new ArrayList<>();
    for (int caller = 0; caller < 2; caller++) {
      load.add(
          callers.submit(
              (Callable<Void>)
                  () -> {
                    while (!over.get()) {
                      assertThat(say(channel, "x")).endsWith(": x");
                      calls.incrementAndGet();
                    }
                    return null;
                  }));
    }
    load.add(
        callers.submit(
            (Callable<Void>)
                () -> {
                  while (!over.get()) {
                    echoes.addAndGet(chat(20));
                  }
                  return null;
                }));
    // One that lives through all of them.
    Heard heard = new Heard();
    StreamObserver<String> oldest =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    oldest.onNext("first");
    assertThat(heard.next()).endsWith(": first");

    for (int rotation = 0; rotation < ROTATIONS; rotation++) {
      long own = web.trustGeneration();
      long theirs = orders.trustGeneration();
      if (rotation % 2 == 0) {
        town.plane.reissueLeaves();
      } else {
        town.plane.rotateRoot();
      }
      await()
          .atMost(GUARD)
          .until(() ->
              web.trustGeneration() > own
                  && orders.trustGeneration() > theirs
                  && trustsAll(web)
                  && trustsAll(orders)); // nobody may be two roots behind
      long before = calls.get() + echoes.get();
      await()
          .atMost(GUARD)
          .until(
              () -> calls.get() + echoes.get() > before || load.stream().anyMatch(Future::isDone));
    }
    oldest.onNext("last");
    assertThat(heard.next()).endsWith(": last");
    oldest.onCompleted();
    assertThat(heard.end()).isEqualTo(Status.Code.OK);
    over.set(true);
    for (Future<?> one : load) {
      one.get(GUARD.toSeconds(), TimeUnit.SECONDS); // a call that failed would throw here
    }
    assertThat(calls.get()).isGreaterThan(ROTATIONS);
    assertThat(echoes.get()).isPositive();
  }

  private int chat(int length) throws Exception {
    Heard heard = new Heard();
    StreamObserver<String> chat =
        ClientCalls.asyncBidiStreamingCall(channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
    for (int i = 0; i < length; i++) {
      chat.onNext("m" + i);
      assertThat(heard.next()).endsWith(": m" + i);
    }
    chat.onCompleted();
    assertThat(heard.status().getCode()).isEqualTo(Status.Code.OK);
    return length;
  }

  @Test
  void newCallsTakeNewConnectionsAndTheOldOnesAreClosedOnceTheyAreIdle() throws Exception {
    for (int i = 0; i < 4; i++) {
      say(channel, "x");
    }
    Set<Instant> old = connections();
    assertThat(old).isNotEmpty();
    long before = web.trustGeneration();
    town.plane.reissueLeaves();
    await().atMost(GUARD).until(() -> web.trustGeneration() > before);
    await()
        .atMost(GUARD)
        .untilAsserted(() -> {
          say(channel, "x");
          assertThat(connections()).isNotEmpty().doesNotContainAnyElementsOf(old);
        });
  }

  private Set<Instant> connections() {
    return web.snapshot().connections().stream()
        .map(connection -> connection.since())
        .collect(Collectors.toSet());
  }

  private boolean trustsAll(MeshClient client) {
    return client.trustBundles().stream()
        .anyMatch(bundle -> bundle.roots().containsAll(town.plane.roots()));
  }
}
