package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.meshnative.testkit.Agent.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FaultsTest {
  private static final String MATCH = "/v1/connect/intentions/match?by=destination&name=billing";
  private static final String ROOTS = "/v1/agent/connect/ca/roots";
  private static final String LEAF = "/v1/agent/connect/ca/leaf/web";

  private final EmbeddedControlPlane plane =
      EmbeddedControlPlane.builder().leafJitter(Duration.ZERO).start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  @Test
  void whileItIsDownNothingIsAnsweredAndBlockedCallsEnd() {
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=60s&index=" + index);
    int port = plane.address().getPort();

    plane.faults().down();

    assertThatThrownBy(() -> done(watch)).hasRootCauseInstanceOf(IOException.class);
    assertThatThrownBy(() -> agent.get(ROOTS)).isInstanceOf(UncheckedIOException.class);
    assertThat(plane.blockedCalls()).isZero();

    plane.faults().up();

    assertThat(agent.get(ROOTS).status()).isEqualTo(200);
    assertThat(plane.address().getPort()).isEqualTo(port);
  }

  @Test
  void whileItHangsNothingIsAnsweredUntilItResumes() {
    plane.faults().hang();
    CompletableFuture<Answer> held = agent.blocked(ROOTS);
    assertThat(held).isNotDone();

    plane.faults().resume();

    assertThat(done(held).status()).isEqualTo(200);
  }

  @Test
  void aDelayHoldsEachAnswerAndEndsForThoseHeld() {
    plane.faults().delay(Duration.ofHours(1));
    CompletableFuture<Answer> held = agent.blocked(ROOTS);
    assertThat(held).isNotDone();

    plane.faults().delay(Duration.ZERO);

    assertThat(done(held).status()).isEqualTo(200);
  }

  @Test
  void aStatusIsAnsweredForItsPathsOnly() {
    plane.faults().status("/v1/health/", 500, "No cluster leader");

    assertThat(agent.get("/v1/health/connect/x"))
        .extracting(Answer::status, Answer::body)
        .containsExactly(500, "No cluster leader");
    assertThat(agent.get(ROOTS).status()).isEqualTo(200);

    plane.faults().clearStatus("/v1/health/");
    assertThat(agent.get("/v1/health/connect/x").status()).isEqualTo(200);
  }

  @Test
  void aTruncatedBodyEndsInTheMiddle() {
    plane.faults().truncateBodies(true);

    assertThatThrownBy(() -> agent.get(ROOTS)).isInstanceOf(UncheckedIOException.class);

    plane.faults().truncateBodies(false);
    assertThat(agent.get(ROOTS).status()).isEqualTo(200);
  }

  @Test
  void theIndexFallsWithEveryAnswer() {
    for (int i = 0; i < 20; i++) {
      plane.allow("s" + i, "billing");
    }
    long real = agent.get(MATCH).index();
    plane.faults().indexBackwards(true);

    long first = agent.get(MATCH).index();
    long second = agent.get(MATCH).index();

    assertThat(first).isLessThan(real);
    assertThat(second).isLessThan(first);
    plane.faults().indexBackwards(false);
    assertThat(agent.get(MATCH).index()).isEqualTo(real);
  }

  @Test
  void emptiedIntentionsWakeTheWatchWithALowIndexAndComeBack() {
    plane.deny("web", "billing");
    long index = agent.get(MATCH).index();
    CompletableFuture<Answer> watch = agent.blocked(MATCH + "&wait=60s&index=" + index);

    plane.faults().emptyIntentions(true);

    Answer empty = done(watch);
    assertThat(empty.at("billing")).isNull();
    assertThat(empty.index()).isEqualTo(1);
    assertThat(agent.authorize("web", "billing").at("Authorized")).isEqualTo(true);
    CompletableFuture<Answer> next = agent.blocked(MATCH + "&wait=60s&index=1");

    plane.faults().emptyIntentions(false);

    assertThat(done(next).list("billing")).hasSize(1);
    assertThat(done(next).index()).isEqualTo(index);
  }

  @Test
  void theLeafOfAnotherServiceIsServedAndWakesTheWatch() {
    Answer first = agent.get(LEAF);
    CompletableFuture<Answer> watch = agent.blocked(LEAF + "?wait=60s&index=" + first.index());

    plane.faults().leafForOtherService("evil");

    assertThat(done(watch).text("ServiceURI")).endsWith("/svc/evil");
    plane.faults().leafForOtherService(null);
    assertThat(agent.get(LEAF).text("ServiceURI")).endsWith("/svc/web");
  }

  @Test
  void aLeafCanComeBeforeItsRoot() {
    X509Certificate old = plane.roots().get(0);
    agent.get(LEAF);
    plane.faults().leafBeforeRoot(true);
    plane.rotateRoot();

    List<X509Certificate> chain = Chains.parse(agent.get(LEAF).text("CertPEM"));
    assertThat(plane.roots()).containsExactly(old);
    assertThat(Chains.leadsTo(old, chain.subList(0, 1))).isFalse();
    long index = agent.get(ROOTS).index();
    CompletableFuture<Answer> watch = agent.blocked(ROOTS + "?wait=60s&index=" + index);

    plane.faults().leafBeforeRoot(false);

    assertThat(done(watch).list("Roots")).hasSize(2);
    assertThat(Chains.leadsTo(plane.roots().get(0), chain)).isTrue();
  }

  @Test
  void aRestartCutsConnectionsLowersIndexesAndKeepsTheState() throws Exception {
    for (int i = 0; i < 30; i++) {
      plane.allow("s" + i, "billing");
    }
    plane.register("billing", "b1", "127.0.0.1", 1);
    Answer before = agent.get(MATCH);
    Answer leafBefore = agent.get(LEAF);
    // A plain socket, for HTTP clients silently ask again when their connection is cut.
    try (Socket watch = new Socket(InetAddress.getLoopbackAddress(), plane.address().getPort())) {
      String request = "GET " + MATCH + "&index=" + before.index() + " HTTP/1.1\r\nHost: x\r\n\r\n";
      watch.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      await().atMost(Agent.GUARD).until(() -> plane.blockedCalls() == 1);

      plane.restart();

      assertThatThrownBy(() -> watch.getInputStream().read()).isInstanceOf(SocketException.class);
    }
    Answer after = agent.get(MATCH);
    assertThat(after.list("billing")).hasSize(30);
    assertThat(after.index()).isLessThan(before.index());
    assertThat(agent.get("/v1/health/connect/billing").list()).hasSize(1);
    assertThat(agent.get(LEAF).text("SerialNumber")).isNotEqualTo(leafBefore.text("SerialNumber"));
  }

  @Test
  void resetEndsEveryFault() {
    plane
        .faults()
        .status("/", 500, "x")
        .truncateBodies(true)
        .leafForOtherService("evil")
        .noLeader(true)
        .rateLimit(true)
        .signingLimit(true)
        .caReconfiguring(true)
        .down();

    plane.faults().reset();

    assertThat(agent.get(LEAF).text("ServiceURI")).endsWith("/svc/web");
    assertThat(agent.get("/v1/health/connect/web").status()).isEqualTo(200);
    assertThat(agent.put("/v1/connect/ca/configuration", "{\"Provider\":\"consul\"}").status())
        .isEqualTo(200);
  }

  @Test
  void withoutALeaderOnlyWhatTheAgentHasIsServedAndBlockedCallsEnd() {
    agent.get(LEAF);
    CompletableFuture<Answer> blocked =
        agent.blocked(LEAF + "?wait=10m&index=" + agent.get(LEAF).index());

    plane.faults().noLeader(true);

    assertThat(Agent.done(blocked).body()).isEqualTo("No cluster leader");
    assertThat(agent.get(LEAF).status()).isEqualTo(200);
    assertThat(agent.get("/v1/health/connect/web").body()).isEqualTo("No cluster leader");
    assertThat(agent.get("/v1/agent/services").status()).isEqualTo(200);
    plane.faults().noLeader(false);
    assertThat(agent.get("/v1/health/connect/web").status()).isEqualTo(200);
  }

  @Test
  void requestsAreCounted() {
    agent.get(ROOTS);
    agent.get(ROOTS);
    agent.get(LEAF);

    assertThat(plane.requests("/v1/agent/connect/ca/roots")).isEqualTo(2);
    assertThat(plane.requests("/v1/agent/connect/")).isEqualTo(3);
    assertThat(plane.requests("/v1/health/")).isZero();
  }

  @Test
  void closingFreesThePortAndTheThreadsThoughCallsAreBlocked() throws Exception {
    Set<Thread> before = serverThreads();
    EmbeddedControlPlane doomed = EmbeddedControlPlane.start();
    Agent client = new Agent(doomed);
    int port = doomed.address().getPort();
    long index = client.get(MATCH).index();
    List<CompletableFuture<Answer>> watches = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      watches.add(client.later(MATCH + "&wait=600s&index=" + index));
    }
    await().atMost(Agent.GUARD).until(() -> doomed.blockedCalls() == 20);
    assertThat(serverThreads()).hasSizeGreaterThanOrEqualTo(before.size() + 20);

    doomed.close();
    doomed.close();

    assertThat(watches).allSatisfy(w -> assertThatThrownBy(() -> done(w)).isNotNull());
    await().atMost(Agent.GUARD).until(() -> before.containsAll(serverThreads()));
    assertThatThrownBy(() -> new Socket(InetAddress.getLoopbackAddress(), port).close())
        .as("nobody listens")
        .isInstanceOf(ConnectException.class);
  }

  private static Set<Thread> serverThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().contains("MockWebServer"))
        .collect(Collectors.toSet());
  }
}
