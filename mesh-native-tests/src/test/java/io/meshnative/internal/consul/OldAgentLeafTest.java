package io.meshnative.internal.consul;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.MeshState;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.spi.InvalidUpdateException;
import io.meshnative.spi.Sink;
import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Agents that renew a watched leaf for the first rotation only (reference c.6), imitated. Here and
 * not among the contract tests, because the thresholds are set from within.
 */
class OldAgentLeafTest {
  private static final Duration GUARD = Duration.ofSeconds(60);

  /** Longer than an agent without the defect takes here, so that nothing is taken for it. */
  private static final LeafGuard.Timing QUICK =
      new LeafGuard.Timing(Duration.ofSeconds(2), Duration.ofMillis(500), Duration.ofMillis(500));

  /** Where every rotation is taken for the defect, sooner or later. */
  private static final LeafGuard.Timing QUICKEST =
      new LeafGuard.Timing(Duration.ofSeconds(1), Duration.ofMillis(200), Duration.ofMillis(200));

  private static final class Seen implements Sink<WorkloadIdentity> {
    final List<WorkloadIdentity> leaves = new CopyOnWriteArrayList<>();
    final List<String> warnings = new CopyOnWriteArrayList<>();

    @Override
    public void accept(WorkloadIdentity value) throws InvalidUpdateException {
      leaves.add(value);
    }

    @Override
    public void failed(IOException cause) {
      warnings.add("failed: " + cause.getMessage());
    }

    @Override
    public void warning(String message) {
      warnings.add(message);
    }

    boolean follows(EmbeddedControlPlane plane) {
      return !leaves.isEmpty()
          && LeafGuard.authorityOf(leaves.get(leaves.size() - 1).leaf())
              .equals(plane.authority().signingKeyId());
    }
  }

  private static EmbeddedControlPlane.Builder agent(ConsulVersion version) {
    return EmbeddedControlPlane.builder()
        .mimic(version)
        .mimicRotationDefect(true)
        .leafJitter(Duration.ZERO);
  }

  private static ConsulControlPlane client(
      EmbeddedControlPlane plane, String token, LeafGuard.Timing timing) throws Exception {
    ConsulConfig.Builder config = ConsulConfig.builder().address(plane.httpAddr());
    if (!token.isEmpty()) {
      config.token(token);
    }
    return ConsulControlPlane.open(
        config.build(), "billing", WatchClock.SYSTEM, new SecureRandom(), timing);
  }

  @ParameterizedTest
  @EnumSource(ConsulVersion.class)
  void withAclsOffTheLeafFollowsEveryRotationByAnotherTokenForEach(ConsulVersion version)
      throws Exception {
    Seen seen = new Seen();
    try (EmbeddedControlPlane plane = agent(version).start();
        ConsulControlPlane client = client(plane, "", QUICKEST)) {
      client.identity().start(seen);
      await().atMost(GUARD).until(() -> seen.follows(plane));
      for (int rotation = 1; rotation <= 3; rotation++) {
        plane.rotateRoot();
        await("rotation " + rotation).atMost(GUARD).until(() -> seen.follows(plane));
      }
      assertThat(seen.warnings)
          .isNotEmpty()
          .allSatisfy(warning -> assertThat(warning).contains("Consul 1.").contains("made-up"));
      // A burst of two, then one a second; each rotation asks a handful of times.
      assertThat(plane.requests("/v1/agent/connect/ca/leaf/")).isLessThan(40);
    }
  }

  @ParameterizedTest
  @EnumSource(ConsulVersion.class)
  void withAclsOnItIsSaidAndTheOldLeafGoesOn(ConsulVersion version) throws Exception {
    Seen seen = new Seen();
    try (EmbeddedControlPlane plane = agent(version).acls(true).defaultAllow(false).start();
        ConsulControlPlane client = client(plane, plane.serviceToken("billing"), QUICK)) {
      client.identity().start(seen);
      await().atMost(GUARD).until(() -> seen.follows(plane));
      plane.rotateRoot();
      await().atMost(GUARD).until(() -> seen.follows(plane));
      WorkloadIdentity before = seen.leaves.get(seen.leaves.size() - 1);
      plane.rotateRoot();

      await().atMost(GUARD).until(() -> !seen.warnings.isEmpty());

      // The version is not the service's to ask for; what to do is said all the same.
      assertThat(seen.warnings)
          .singleElement()
          .asString()
          .contains("after the first rotation only", "upgrade the agent")
          .doesNotContain("failed");
      // No made-up token is tried where tokens mean something: the old leaf is still the last.
      assertThat(seen.leaves.get(seen.leaves.size() - 1).leaf()).isEqualTo(before.leaf());
      assertThat(plane.requests("/v1/agent/connect/ca/leaf/")).isLessThan(40);
    }
  }

  @Test
  void aServiceHearsOfItByAnEventLongBeforeTheLeafDiesAndStaysReady() throws Exception {
    List<MeshEvent.Warning> warnings = new CopyOnWriteArrayList<>();
    try (EmbeddedControlPlane plane =
            agent(ConsulVersion.V1_10).acls(true).defaultAllow(false).start();
        MeshClient billing =
            MeshClient.builder("billing")
                .controlPlane(client(plane, plane.serviceToken("billing"), QUICK))
                .build()) {
      billing.awaitReady(GUARD);
      billing.subscribe(event -> {
        if (event instanceof MeshEvent.Warning warning) {
          warnings.add(warning);
        }
      });
      long first = billing.trustGeneration();
      plane.rotateRoot();
      await()
          .atMost(GUARD)
          .until(() ->
              billing.trustGeneration() > first
                  && LeafGuard.authorityOf(billing.identity().chain().get(0))
                      .equals(plane.authority().signingKeyId()));
      plane.rotateRoot();

      await().atMost(GUARD).until(() -> !warnings.isEmpty());

      assertThat(warnings.get(0).message())
          .contains("after the first rotation only", "It serves until");
      Duration left = Duration.between(warnings.get(0).at(), billing.identity().notAfter());
      assertThat(left).isGreaterThan(Duration.ofDays(2));
      assertThat(billing.state()).isEqualTo(MeshState.READY);
    }
  }
}
