package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Streams that run when a right is withdrawn, and the threads that hear them. */
@ParameterizedClass
@EnumSource(Town.Engine.class)
class StreamsTest {
  private static final int STREAMS = 1000;

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
  void allStreamsEndWithTheReasonWhenTheirRightIsWithdrawn() throws Exception {
    // Servers that know of no policy: only our side ends the streams.
    for (String instance : List.of("o1", "o2", "o3")) {
      TalkServer server = town.keep(Plain.server(town.plane, "orders", Talk.as(instance)));
      town.plane.register("orders", instance, "127.0.0.1", server.port());
    }
    ManagedChannel channel = town.channel(web, "orders");
    List<Heard> streams = new ArrayList<>();
    for (int i = 0; i < STREAMS; i++) {
      Heard heard = new Heard();
      StreamObserver<String> chat =
          ClientCalls.asyncBidiStreamingCall(
              channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
      chat.onNext("on");
      streams.add(heard);
    }
    for (Heard heard : streams) {
      assertThat(heard.next()).endsWith(": on");
    }
    town.plane.deny("web", "orders");
    for (Heard heard : streams) {
      assertThat(heard.end()).isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThat(heard.status().getDescription()).contains("default/web => default/orders");
    }
  }

  @Test
  void callsRunOnVirtualThreads() throws Exception {
    ExecutorService virtual = virtualThreads();
    town.serve(town.client("orders"), "o1");
    ManagedChannel channel =
        town.keep(MeshChannelBuilder.forService("orders", web).executor(virtual));
    AtomicReference<Thread> heardOn = new AtomicReference<>();
    CountDownLatch answered = new CountDownLatch(1);
    ClientCalls.asyncUnaryCall(
        channel.newCall(Talk.SAY, CallOptions.DEFAULT),
        "x",
        new StreamObserver<String>() {
          @Override
          public void onNext(String answer) {
            heardOn.set(Thread.currentThread());
          }

          @Override
          public void onError(Throwable failure) {
            answered.countDown();
          }

          @Override
          public void onCompleted() {
            answered.countDown();
          }
        });
    assertThat(answered.await(GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(heardOn.get()).isNotNull();
    assertThat(Thread.class.getMethod("isVirtual").invoke(heardOn.get())).isEqualTo(true);
    virtual.shutdown();
  }

  private static ExecutorService virtualThreads() throws ReflectiveOperationException {
    assumeThat(Runtime.version().feature()).as("virtual threads").isGreaterThanOrEqualTo(21);
    Method made = java.util.concurrent.Executors.class.getMethod("newVirtualThreadPerTaskExecutor");
    return (ExecutorService) made.invoke(null);
  }
}
