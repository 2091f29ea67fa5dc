package io.meshnative.grpc;

import static io.meshnative.grpc.Town.GUARD;
import static io.meshnative.grpc.Town.refused;
import static io.meshnative.grpc.Town.say;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.meshnative.MeshClient;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * T10, through gRPC: a resumed session calls no trust manager in any engine, and is judged all the
 * same. The servers are of JSSE, which gives sessions to resume to everybody.
 */
@ParameterizedClass
@CsvSource({"JSSE, TLSv1.3", "JSSE, TLSv1.2", "CONSCRYPT, TLSv1.3", "CONSCRYPT, TLSv1.2"})
class ResumptionTest {
  @Parameter(0)
  Town.Engine engine;

  @Parameter(1)
  String version;

  private Town town;

  @AfterEach
  void stop() throws Exception {
    town.close();
  }

  private MeshClient web(boolean resumption) throws Exception {
    town = new Town(engine);
    TalkServer orders =
        town.keep(Plain.server(town.plane, "orders", List.of(version), Talk.as("o1")));
    town.plane.register("orders", "o1", "127.0.0.1", orders.port());
    return town.client("web", builder -> builder.sessionResumption(resumption).tls12(true, true));
  }

  /** Over a connection of its own. */
  private void callOnce(MeshClient web) throws InterruptedException {
    ManagedChannel channel = MeshChannelBuilder.forService("orders", web).build();
    try {
      assertThat(say(channel, "x")).isEqualTo("o1: x");
    } finally {
      channel.shutdown().awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private Status failOnce(MeshClient web) throws InterruptedException {
    ManagedChannel channel = MeshChannelBuilder.forService("orders", web).build();
    try {
      return refused(channel);
    } finally {
      channel.shutdown().awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private void resumeOnce(MeshClient web) {
    long before = web.snapshot().resumedHandshakes();
    await()
        .atMost(GUARD)
        .until(() -> {
          callOnce(web);
          return web.snapshot().resumedHandshakes() > before;
        });
  }

  @Test
  void aResumedConnectionIsDeniedLikeANewOne() throws Exception {
    MeshClient web = web(true);
    resumeOnce(web);
    town.plane.deny("web", "orders");
    await().atMost(GUARD).until(() -> !web.explain(Destination.parse("orders")).isAllowed());
    assertThat(failOnce(web).getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
    town.plane.allow("web", "orders");
    await().atMost(GUARD).until(() -> web.explain(Destination.parse("orders")).isAllowed());
    resumeOnce(web);
  }

  @Test
  void aSessionIsNotResumedPastTheRemovalOfItsRoot() throws Exception {
    MeshClient web = web(true);
    resumeOnce(web);
    long before = web.trustGeneration();
    town.plane.rotateRoot();
    town.plane.removeOldRoots();
    await().atMost(GUARD).until(() -> web.trustGeneration() > before && roots(web) == 1);
    Status status = failOnce(web);
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getCause()).isInstanceOf(PeerIdentityException.class);
  }

  private static int roots(MeshClient client) {
    return client.trustBundles().stream().mapToInt(bundle -> bundle.roots().size()).sum();
  }

  @Test
  void whereResumptionIsOffEachHandshakeIsFull() throws Exception {
    MeshClient web = web(false);
    for (int i = 0; i < 5; i++) {
      callOnce(web);
    }
    assertThat(web.snapshot().fullHandshakes()).isGreaterThanOrEqualTo(5);
    assertThat(web.snapshot().resumedHandshakes()).isZero();
  }
}
