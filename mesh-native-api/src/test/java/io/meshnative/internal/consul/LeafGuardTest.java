package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.identity.WorkloadIdentity;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A leaf that does not follow its root, as Consul 1.8.7 and 1.10.3 have it. */
class LeafGuardTest {
  private static final Duration GENEROUS = Duration.ofSeconds(60);
  private static final String GUARD = "mesh-billing-leaf-guard";
  private static final String LEAF = "/v1/agent/connect/ca/leaf/billing";

  /** Time passes where somebody pauses, and a moment of real time with it. */
  private static final class QuickClock implements WatchClock {
    private final FakeClock time = new FakeClock();

    /** What the answer after its patience has brought about: that takes real time. */
    private volatile BooleanSupplier settled = () -> true;

    private Duration waited = Duration.ZERO; // of the guard's thread alone

    @Override
    public long nanoTime() {
      return time.nanoTime();
    }

    @Override
    public void pause(Duration pause) throws InterruptedException {
      Thread.sleep(20);
      if (Thread.currentThread().getName().equals(GUARD)) {
        waited = waited.plus(pause);
        if (waited.compareTo(LeafGuard.Timing.DEFAULT.patience()) > 0) {
          await().atMost(GENEROUS).until(settled::getAsBoolean);
        }
      }
      time.pause(pause);
    }
  }

  private final QuickClock clock = new QuickClock();
  private volatile MockResponse roots =
      Exchange.load("1.10.3", "rotation-3-a-roots-before").response();
  private volatile String authorize =
      "{\"Authorized\":true,\"Reason\":\"ACLs disabled, access is allowed by default\"}";
  private volatile int self = 200;

  private static final String FRESH = "rotation-3-l-other-token-gets-fresh-leaf";

  /** What a call without index and without token gets. */
  private volatile String plainLeaf = "rotation-3-b-leaf-before";

  /** Whether it gets a fresh one after the first call. */
  private volatile boolean looksAgain;

  private final AtomicInteger plainReads = new AtomicInteger();

  private volatile boolean forbidding;
  private volatile boolean rotated;

  private MockResponse answer(RecordedRequest request) {
    String target = request.getTarget();
    boolean madeUp = request.getHeaders().get("X-Consul-Token") != null;
    if (target.startsWith(LEAF)) {
      if (madeUp && forbidding) {
        return new MockResponse.Builder().code(403).body("ACL not found").build();
      }
      if (target.contains("index=")) {
        return held();
      }
      boolean fresh = madeUp || (plainReads.getAndIncrement() > 0 && looksAgain);
      String name = fresh ? FRESH : plainLeaf;
      return Exchange.load("1.10.3", name).response();
    }
    if (target.startsWith("/v1/agent/connect/ca/roots")) {
      return target.contains("index=") && rotated ? held() : roots;
    }
    if (target.startsWith("/v1/agent/self")) {
      return new MockResponse.Builder()
          .code(self)
          .body("{\"Config\":{\"Datacenter\":\"dc1\",\"Version\":\"1.10.3\"},\"Member\":{}}")
          .build();
    }
    return target.startsWith("/v1/agent/connect/authorize") ? Agents.json("1", authorize) : null;
  }

  private static MockResponse held() {
    return new MockResponse.Builder().code(500).headersDelay(1, TimeUnit.HOURS).build();
  }

  private ConsulControlPlane open(Agents agent) throws IOException {
    return ConsulControlPlane.open(agent.config(), "billing", clock, new SplittableRandom(1));
  }

  private void rotate() {
    roots = Exchange.load("1.10.3", "rotation-3-g-roots-after").response();
    rotated = true;
  }

  private static List<RecordedRequest> leafCalls(Agents agent) {
    return agent.requests.stream().filter(r -> r.getTarget().startsWith(LEAF)).toList();
  }

  private static boolean guarded() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals(GUARD));
  }

  @Test
  void theCapturedLeafNamesTheKeyThatSignedItAsTheRootDoes() throws Exception {
    WorkloadIdentity leaf =
        LeafQuery.decode(
            "leaf",
            Exchange.load("1.10.3", "rotation-1-f-leaf-after").answer(),
            "default",
            "default",
            "billing");
    String roots = Exchange.load("1.10.3", "rotation-1-g-roots-after").body().utf8();
    assertThat(LeafGuard.authorityOf(leaf.leaf())).matches("([0-9a-f]{2}:){31}[0-9a-f]{2}");
    assertThat(roots).contains("\"" + LeafGuard.authorityOf(leaf.leaf()) + "\"");
  }

  @Test
  void whereAclsAreOffALeafThatDoesNotFollowIsReplacedByAMadeUpToken() throws Exception {
    rotate();
    try (Agents agent = Agents.answering(this::answer);
        ConsulControlPlane plane = open(agent)) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      await()
          .atMost(GENEROUS)
          .until(() -> identity.values.stream().distinct().count() == 2 && !guarded());
      assertThat(identity.warnings)
          .singleElement()
          .asString()
          .contains("Consul 1.10.3")
          .contains("upgrade the agent")
          .contains("made-up token");
      assertThat(identity.failures).isEmpty();
      List<String> tokens =
          leafCalls(agent).stream()
              .map(r -> r.getHeaders().get("X-Consul-Token"))
              .filter(java.util.Objects::nonNull)
              .distinct()
              .toList();
      assertThat(tokens).as("one token for the rotation").hasSize(1);
      assertThat(identity.warnings.get(0)).doesNotContain(tokens.get(0));
      assertThat(
              agent.requests.stream()
                  .filter(r -> !r.getTarget().startsWith(LEAF))
                  .allMatch(r -> r.getHeaders().get("X-Consul-Token") == null))
          .as("it is used for the leaf only")
          .isTrue();
    }
  }

  @Test
  void aPlainReadComesFirstAndIsEnoughForAgentsThatLookAgain() throws Exception {
    rotate();
    try (Agents agent = Agents.answering(this::answer);
        ConsulControlPlane plane = open(agent)) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      looksAgain = true;
      clock.settled = () -> identity.values.stream().distinct().count() == 2;
      plane.identity().start(identity);
      await()
          .atMost(GENEROUS)
          .until(() -> identity.values.stream().distinct().count() == 2 && !guarded());
      assertThat(leafCalls(agent)).allMatch(r -> r.getHeaders().get("X-Consul-Token") == null);
      assertThat(identity.warnings).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"Authorized\":false,\"Reason\":\"Default behavior configured by ACLs\"}",
        "{\"Authorized\":true,\"Reason\":\"Matched L4 intention: * => *\"}",
        "{}"
      })
  void whereAclsAreNotProvenOffNothingIsMadeUpAndTheWarningSaysWhatToDo(String answer)
      throws Exception {
    rotate();
    authorize = answer;
    self = 403;
    try (Agents agent = Agents.answering(this::answer);
        ConsulControlPlane plane = open(agent)) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      await().atMost(GENEROUS).until(() -> !identity.warnings.isEmpty());
      long seen = clock.nanoTime();
      await()
          .atMost(GENEROUS)
          .until(() -> clock.nanoTime() - seen > Duration.ofMinutes(10).toNanos());
      assertThat(identity.warnings)
          .singleElement()
          .asString()
          .contains("of unknown version")
          .contains("restart it")
          .doesNotContain("made-up");
      assertThat(leafCalls(agent)).allMatch(r -> r.getHeaders().get("X-Consul-Token") == null);
      assertThat(leafCalls(agent)).as("asked, not hammered").hasSizeLessThan(8);
    }
    assertThat(guarded()).isFalse();
  }

  @Test
  void aMadeUpTokenIsDroppedWhenTheAgentRefusesIt() throws Exception {
    rotate();
    forbidding = true;
    try (Agents agent = Agents.answering(this::answer);
        ConsulControlPlane plane = open(agent)) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      await().atMost(GENEROUS).until(() -> identity.warnings.size() == 2);
      assertThat(identity.warnings.get(1)).contains("upgrade or restart the agent");
      assertThat(
              leafCalls(agent).stream().filter(r -> r.getHeaders().get("X-Consul-Token") != null))
          .hasSize(1);
      assertThat(identity.failures).isEmpty();
    }
  }

  @Test
  void aLeafThatFollowsInTimeRaisesNoWarningAndNeedsNoThread() throws Exception {
    plainLeaf = "rotation-1-f-leaf-after";
    roots = Exchange.load("1.10.3", "rotation-1-g-roots-after").response();
    rotated = true;
    try (Agents agent = Agents.answering(this::answer);
        ConsulControlPlane plane = open(agent)) {
      Recorder<WorkloadIdentity> identity = new Recorder<>();
      plane.identity().start(identity);
      identity.awaitValue();
      assertThat(guarded()).isFalse();
      assertThat(identity.warnings).isEmpty();
    }
  }
}
