package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshNotReadyException;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.internal.consul.ImpatientAgent;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Three servers and an agent beside the services: servers are lost and come back under traffic. No
 * allowed request fails, nothing denied gets in, and what is written afterwards arrives.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
class ConsulClusterTest {
  private static final Duration PAUSE = Duration.ofMillis(5);

  private ConsulCluster cluster;
  private AgentRelay relay;
  private Cast cast;

  @BeforeAll
  void startCluster() throws Exception {
    RealPeers.requireConsul();
    cluster = ConsulCluster.start(3, 1);
    relay = new AgentRelay(cluster.agent(0).httpAddr());
  }

  @AfterAll
  void stopCluster() {
    if (cluster != null) {
      relay.close();
      cluster.close();
    }
  }

  @BeforeEach
  void beginWithAllServers() throws Exception {
    cluster.startMissing();
    cast = new Cast(cluster.agent(0));
  }

  @AfterEach
  void leaveNothing() throws Exception {
    cluster.startMissing();
    cast.close();
    cluster.agent(0).removeAllIntentions();
  }

  /** Who plays: db, and those who call it, all by way of the relay. */
  private final class Stage {
    final List<MeshEvent> events = new CopyOnWriteArrayList<>();
    final MeshClient db;
    final MeshClient web;
    final MeshClient batch;
    final MeshClient intruder;

    /** Open since the beginning. */
    final SSLSocket open;

    Stage() throws Exception {
      cluster.agent(0).deny("intruder", "db");
      db = cast.ready(client("db").register(Cast.ofListener()).listener(events::add));
      web = cast.ready(client("web").listener(events::add));
      batch = cast.ready(client("batch"));
      intruder = cast.lawless("intruder");
      cast.echo(db);
      Cast.awaitEndpoint(web, "db");
      Cast.awaitEndpoint(batch, "db");
      Cast.awaitEndpoint(intruder, "db");
      open = cast.keep(batch.dial("db"));
      open.setSoTimeout((int) Cast.GUARD.toMillis());
      Echo.ping(open);
    }

    private MeshClient.Builder client(String service) throws Exception {
      ConsulConfig config = ConsulConfig.builder().address("http://" + relay.httpAddr()).build();
      return MeshClient.builder(service).controlPlane(ImpatientAgent.open(config, service));
    }

    void awaitState(MeshState state) {
      Cast.await("web is " + state, () -> web.state() == state);
      Cast.await("db is " + state, () -> db.state() == state);
    }

    /** Waits until both have told that they went into this state. */
    void awaitTold(MeshState state) {
      Cast.await(
          "both told of " + state,
          () ->
              events.stream()
                      .filter(MeshEvent.StateChanged.class::isInstance)
                      .filter(event -> ((MeshEvent.StateChanged) event).to() == state)
                      .count()
                  >= 2);
    }

    void assertServes() throws Exception {
      Echo.ping(open);
      assertThat(Cast.reaches(batch, "db")).isTrue();
      assertThat(Cast.reaches(intruder, "db")).as("what is denied stays denied").isFalse();
    }

    void assertFlipsCut() throws Exception {
      SSLSocket fresh = cast.keep(batch.dial("db"));
      fresh.setSoTimeout((int) Cast.GUARD.toMillis());
      Echo.ping(fresh);
      cluster.agent(0).deny("batch", "db");
      Cast.await("the old connection is cut", open::isClosed);
      Cast.await("the new connection is cut", fresh::isClosed);
      assertThat(Cast.reaches(batch, "db")).isFalse();
      cluster.agent(0).allow("batch", "db");
      Cast.awaitReaches(batch, "db", true);
    }
  }

  private static X509Certificate leaf(MeshClient client) {
    return client.identity().chain().get(0);
  }

  /**
   * In quiet times a client has a handful of calls that wait, and makes hardly any: one that comes
   * back for another's change, or the look after a registration.
   */
  private void assertNobodySpins() {
    int before = relay.asked().size();
    Awaitility.await("few calls in quiet times")
        .during(Duration.ofSeconds(3))
        .atMost(Cast.GUARD)
        .until(() -> {
          List<String> asked = List.copyOf(relay.asked());
          List<String> since = asked.subList(before, asked.size());
          assertThat(since).hasSizeLessThan(20);
          return true;
        });
  }

  /** Whatever answers meanwhile, no watch asks much more often than once a second. */
  private void assertCallsBounded(int before, long began) {
    long seconds = Duration.ofNanos(System.nanoTime() - began).toSeconds();
    List<String> asked = List.copyOf(relay.asked());
    Map<String, Long> calls =
        asked.subList(before, asked.size()).stream()
            .filter(path -> path.contains("/match?") || path.contains("/leaf/"))
            .map(path -> path.replaceAll("[?&]index=.*", ""))
            .collect(Collectors.groupingBy(path -> path, Collectors.counting()));
    assertThat(calls)
        .isNotEmpty()
        .allSatisfy((path, count) ->
            assertThat(count)
                .as("calls of %s in %s s", path, seconds)
                .isLessThan(15 + 2 * seconds));
  }

  @Test
  void theLossOfTheLeaderFailsNoRequestAndPolicyAndRootsFollowTheNextOne() throws Exception {
    Stage stage = new Stage();
    try (Traffic traffic = new Traffic(stage.web, PAUSE)) {
      traffic.awaitMore();
      int before = relay.asked().size();
      long began = System.nanoTime();
      ConsulAgent former = cluster.leader();
      former.kill();
      stage.awaitTold(MeshState.STALE);
      stage.assertServes();
      traffic.awaitMore();
      assertThat(cluster.leader()).isNotSameAs(former);
      stage.awaitState(MeshState.READY);
      assertCallsBounded(before, began);
      stage.assertServes();
      stage.assertFlipsCut();

      X509Certificate dbLeaf = leaf(stage.db);
      X509Certificate webLeaf = leaf(stage.web);
      cluster.agent(0).rotateRoot();
      Cast.await(
          "both have leaves of the new root",
          () -> !leaf(stage.db).equals(dbLeaf) && !leaf(stage.web).equals(webLeaf));
      traffic.awaitMore();
      assertNobodySpins();
      traffic.close();
      traffic.assertNoneFailed();
    }
    assertThat(stage.events)
        .doesNotHaveAnyElementsOfTypes(MeshEvent.UpdateRefused.class)
        .filteredOn(MeshEvent.StateChanged.class::isInstance)
        .extracting(event -> ((MeshEvent.StateChanged) event).to())
        .doesNotContain(MeshState.EXPIRED);
  }

  @Test
  void aServerThatComesBackTakesItsPartAgain() throws Exception {
    Stage stage = new Stage();
    try (Traffic traffic = new Traffic(stage.web, PAUSE)) {
      ConsulAgent first = cluster.leader();
      first.kill();
      ConsulAgent second = cluster.leader();
      traffic.awaitMore();
      first.startAgain();
      first.awaitUp();
      traffic.awaitMore();
      second.kill(); // from here on there is no majority without the first
      assertThat(cluster.leader()).isNotSameAs(second);
      cluster.awaitLeader();
      stage.awaitState(MeshState.READY);
      stage.assertServes();
      stage.assertFlipsCut();
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
  }

  @Test
  void withoutAMajorityServicesLiveOnAndNewOnesWaitUntilThereIsALeader() throws Exception {
    Stage stage = new Stage();
    try (Traffic traffic = new Traffic(stage.web, PAUSE)) {
      ConsulAgent former = cluster.leader();
      former.kill();
      for (ConsulAgent server : cluster.servers()) {
        if (server != former) {
          server.kill();
          break;
        }
      }
      stage.awaitTold(MeshState.STALE);
      MeshClient late = cast.keep(stage.client("late").build());
      Cast.await(
          "a new client says what it waits for", () -> reasonOf(late).contains("have no leader"));
      assertThat(late.state()).isEqualTo(MeshState.STARTING);
      stage.assertServes();
      traffic.awaitMore();
      cluster.startMissing();
      late.awaitReady(Cast.GUARD);
      stage.awaitState(MeshState.READY);
      stage.assertFlipsCut();
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
  }

  private static String reasonOf(MeshClient client) throws InterruptedException {
    try {
      client.awaitReady(Duration.ofMillis(1));
      return "";
    } catch (MeshNotReadyException e) {
      return e.getMessage();
    }
  }
}
