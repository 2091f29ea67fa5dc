package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.meshnative.MeshClient;
import io.meshnative.grpc.MeshChannelBuilder;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** A gRPC server in the mesh, the same on every control plane. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({
  "EMBEDDED, true, CONSCRYPT",
  "EMBEDDED, false, JSSE",
  "CONSUL, true, CONSCRYPT",
  "CONSUL, false, JSSE"
})
class GrpcServerContractTest extends Contract {
  private GrpcLetters letters(MeshClient db) throws Exception {
    GrpcLetters letters = cast.keep(GrpcLetters.of(db));
    plane.register("db", "db-" + letters.port(), "127.0.0.1", letters.port());
    cast.keep(() -> plane.deregister("db-" + letters.port()));
    return letters;
  }

  private ManagedChannel channel(MeshClient caller) {
    ManagedChannel channel = MeshChannelBuilder.forService("db", caller).build();
    cast.keep(() -> {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)).isTrue();
    });
    return channel;
  }

  @Test
  @Tag("T25")
  void callsAreServedUntilAnIntentionDeniesAndRunningOnesEndWithIt() throws Exception {
    grant("web", "db");
    MeshClient db = cast.client("db");
    GrpcLetters letters = letters(db);
    awaitExplained(db, "web", true);
    // A caller that holds no policy of its own: whatever refuses or ends is the server.
    ManagedChannel channel = channel(cast.lawless("web"));
    assertThat(GrpcLetters.who(channel)).isEqualTo("web");
    GrpcLetters.Talk talk = new GrpcLetters.Talk(channel, "a word");
    Cast.await("the stream runs", () -> talk.came.contains("a word"));
    withdraw("web", "db");
    assertThat(talk.end().isOk()).isFalse();
    awaitExplained(db, "web", false);
    int entered = letters.entered.get();
    assertThat(GrpcLetters.end(channel, GrpcLetters.WHO).isOk()).isFalse();
    assertThat(letters.entered).hasValue(entered);
    Cast.await("nobody is connected", () -> db.snapshot().connections().isEmpty());
    Cast.await("the application knows", () -> letters.cancelled.get() == 1);
    plane.removeAllIntentions();
    grant("web", "db");
    Cast.await("served again", () -> GrpcLetters.end(channel, GrpcLetters.WHO).isOk());
  }

  @Test
  @Tag("T44")
  void whatThereIsIsToldToThoseWhoMayCall() throws Exception {
    grant("web", "db");
    MeshClient db = cast.client("db");
    GrpcLetters letters = letters(db);
    awaitExplained(db, "web", true);
    ManagedChannel channel = channel(cast.client("web"));
    assertThat(GrpcLetters.end(channel, "test.Letters/Nothing").getCode())
        .isEqualTo(Status.Code.UNIMPLEMENTED);
    assertThat(letters.entered).hasValue(0);
  }

  @Test
  void noCallFailsWhenTheRootRotates() throws Exception {
    grant("web", "db");
    MeshClient db = cast.client("db");
    letters(db);
    awaitExplained(db, "web", true);
    MeshClient web = cast.client("web");
    ManagedChannel channel = channel(web);
    assertThat(GrpcLetters.who(channel)).isEqualTo("web");
    GrpcLetters.Talk talk = new GrpcLetters.Talk(channel, "before");
    long epoch = db.trustGeneration();
    plane.rotateRoot();
    Cast.await(
        "both ends follow",
        () -> {
          assertThat(GrpcLetters.who(channel)).isEqualTo("web");
          return db.trustGeneration() > epoch && db.trustBundles().get(0).roots().size() > 1;
        });
    talk.call.sendMessage("after");
    Cast.await("the stream runs on", () -> talk.came.contains("after"));
    talk.call.halfClose();
    assertThat(talk.end().isOk()).isTrue();
  }
}
