package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What channels leave behind: nothing. */
@ParameterizedClass
@EnumSource(Town.Engine.class)
class ChannelLeakTest {
  private static final int CHANNELS = 50;

  @Parameter Town.Engine engine;

  private Town town;

  @BeforeEach
  void start() throws Exception {
    town = new Town(engine);
  }

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  private static long loops() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("mesh-grpc"))
        .count();
  }

  @Test
  void channelsThatWereShutDownLeaveNoThreadSocketOrWatchBehind() throws Exception {
    MeshClient web = town.client("web");
    town.serve(town.client("orders"), "o1");
    for (int i = 0; i < CHANNELS; i++) {
      ManagedChannel channel = MeshChannelBuilder.forService("orders", web).build();
      assertThat(say(channel, "x")).isEqualTo("o1: x");
      if (i % 2 == 0) {
        channel.shutdown();
      } else {
        Heard heard = new Heard();
        StreamObserver<String> chat =
            ClientCalls.asyncBidiStreamingCall(
                channel.newCall(Talk.CHAT, CallOptions.DEFAULT), heard);
        chat.onNext("x");
        heard.next();
        channel.shutdownNow();
      }
      assertThat(channel.awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
    await()
        .atMost(GUARD)
        .untilAsserted(() -> {
          assertThat(web.snapshot().connections()).as("our connections").isEmpty();
          assertThat(loops()).as("threads").isZero();
        });
  }

  @Test
  void connectionsThatWereRefusedLeaveNothingBehind() throws Exception {
    MeshClient web = town.client("web");
    TalkServer other = town.listen(town.client("other"), "x1");
    town.plane.register("orders", "o1", "127.0.0.1", other.port());
    for (int i = 0; i < 10; i++) {
      ManagedChannel channel = MeshChannelBuilder.forService("orders", web).build();
      Town.refused(channel);
      channel.shutdown();
      assertThat(channel.awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }
    await()
        .atMost(GUARD)
        .untilAsserted(() -> {
          assertThat(web.snapshot().connections()).isEmpty();
          assertThat(loops()).isZero();
        });
  }

  @Test
  void aChannelThatIsIdleHoldsNoConnectionAndComesBack() throws Exception {
    MeshClient web = town.client("web");
    town.serve(town.client("orders"), "o1");
    ManagedChannel channel = town.channel(web, "orders");
    assertThat(say(channel, "x")).isEqualTo("o1: x");
    channel.enterIdle();
    await().atMost(GUARD).until(() -> web.snapshot().connections().isEmpty());
    assertThat(say(channel, "y")).isEqualTo("o1: y");
    assertThat(web.snapshot().endpoints()).containsOnlyKeys(Destination.parse("orders"));
  }
}
