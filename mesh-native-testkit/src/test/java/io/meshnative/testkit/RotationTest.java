package io.meshnative.testkit;

import static io.meshnative.testkit.Agent.done;
import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.testkit.Agent.Answer;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RotationTest {
  private static final String ROOTS = "/v1/agent/connect/ca/roots";
  private static final String LEAF = "/v1/agent/connect/ca/leaf/web";

  private final EmbeddedControlPlane plane = EmbeddedControlPlane.start();
  private final Agent agent = new Agent(plane);

  @AfterEach
  void close() {
    plane.close();
  }

  private List<X509Certificate> chain(Answer leaf) {
    return Chains.parse(leaf.text("CertPEM"));
  }

  @Test
  void aFreshLeafIsAloneAndLeadsToTheRoot() throws Exception {
    List<X509Certificate> chain = chain(agent.get(LEAF));

    assertThat(chain).hasSize(1);
    assertThat(Chains.leadsTo(plane.roots().get(0), chain)).isTrue();
    assertThat(chain.get(0).getSubjectAlternativeNames())
        .containsExactly(
            List.of(6, "spiffe://" + plane.trustDomain() + "/ns/default/dc/dc1/svc/web"));
  }

  @Test
  void theRootIsThereBeforeTheLeafAndTheOldOneStays() {
    Answer leafBefore = agent.get(LEAF);
    Answer rootsBefore = agent.get(ROOTS);
    CompletableFuture<Answer> rootsWatch =
        agent.blocked(ROOTS + "?wait=60s&index=" + rootsBefore.index());
    CompletableFuture<Answer> leafWatch =
        agent.blocked(LEAF + "?wait=60s&index=" + leafBefore.index());

    plane.rotateRoot();

    Answer roots = done(rootsWatch);
    assertThat(roots.list("Roots")).hasSize(2);
    assertThat(roots.text("Roots", 0, "Active")).isEqualTo("true");
    assertThat(roots.text("Roots", 1, "Active")).isEqualTo("false");
    assertThat(roots.text("ActiveRootID")).isEqualTo(roots.text("Roots", 0, "ID"));
    assertThat(roots.text("Roots", 1, "ID")).isEqualTo(rootsBefore.text("ActiveRootID"));
    assertThat(roots.at("Roots", 1, "IntermediateCerts")).isNull();
    assertThat(roots.list("Roots", 0, "IntermediateCerts")).hasSize(1);

    Answer leaf = done(leafWatch);
    assertThat(leaf.index()).isGreaterThan(roots.index());
    assertThat(leaf.text("SerialNumber")).isNotEqualTo(leafBefore.text("SerialNumber"));
  }

  @ParameterizedTest
  @EnumSource(names = {"EC_P256", "EC_P384", "RSA_2048"})
  void theCrossSignedChainLeadsFromTheNewLeafToTheOldRootAndToTheNew(KeyType type) {
    X509Certificate old = plane.roots().get(0);

    plane.rotateRoot(type);

    List<X509Certificate> chain = chain(agent.get(LEAF));
    assertThat(chain).hasSize(2);
    assertThat(Chains.leadsTo(old, chain)).isTrue();
    assertThat(Chains.leadsTo(plane.roots().get(0), chain)).isTrue();
    assertThat(Chains.leadsTo(old, chain.subList(0, 1))).isFalse();
    X509Certificate bridge = chain.get(1);
    assertThat(
            Duration.between(bridge.getNotBefore().toInstant(), bridge.getNotAfter().toInstant()))
        .isEqualTo(Duration.ofDays(7));
    assertThat(Chains.parse(agent.get(ROOTS).text("Roots", 0, "IntermediateCerts", 0)))
        .containsExactly(bridge);
  }

  @Test
  void theLeafSignsWithTheKeyThatTheRootNames() {
    plane.rotateRoot();
    Answer roots = agent.get(ROOTS);

    assertThat(roots.text("Roots", 0, "SigningKeyID")).isEqualTo(plane.authority().signingKeyId());
  }

  @Test
  void eachOfManyRotationsBringsANewLeaf() {
    Answer leaf = agent.get(LEAF);
    for (int i = 0; i < 4; i++) {
      CompletableFuture<Answer> watch = agent.blocked(LEAF + "?wait=60s&index=" + leaf.index());
      plane.rotateRoot();
      Answer next = done(watch);
      assertThat(next.text("SerialNumber")).isNotEqualTo(leaf.text("SerialNumber"));
      assertThat(Chains.leadsTo(plane.roots().get(0), chain(next))).isTrue();
      leaf = next;
    }
    assertThat(plane.roots()).hasSize(5);
  }

  @Test
  void oldRootsGoWhenTheyAreRemoved() {
    plane.rotateRoot();
    long index = agent.get(ROOTS).index();
    CompletableFuture<Answer> watch = agent.blocked(ROOTS + "?wait=60s&index=" + index);

    plane.removeOldRoots();

    assertThat(done(watch).list("Roots")).hasSize(1);
  }

  @Test
  void aConfigurationWithANewKeyRotates() {
    String key =
        MeshTestAuthority.create().issue(LeafSpec.service("any")).keyPem().replace("\n", "\\n");

    Answer answer =
        agent.put(
            "/v1/connect/ca/configuration",
            "{\"Provider\":\"consul\",\"Config\":{\"PrivateKey\":\"" + key + "\"}}");

    assertThat(answer.status()).isEqualTo(200);
    assertThat(plane.roots()).hasSize(2);
    assertThat(Chains.leadsTo(plane.roots().get(0), chain(agent.get(LEAF)))).isTrue();
  }

  @Test
  void aConfigurationOfTheSameKeyWakesTheRootsWithoutANewOne() {
    Answer before = agent.get(ROOTS);
    CompletableFuture<Answer> watch = agent.blocked(ROOTS + "?wait=60s&index=" + before.index());

    agent.put("/v1/connect/ca/configuration", "{\"Provider\":\"consul\",\"Config\":{}}");

    assertThat(done(watch).text("ActiveRootID")).isEqualTo(before.text("ActiveRootID"));
  }

  @Test
  void aLeafIsRenewedBeforeItEndsByThePlanesClock() {
    AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-20T12:00:00Z"));
    try (var timed =
        EmbeddedControlPlane.builder().leafTtl(Duration.ofSeconds(100)).clock(clock(now)).start()) {
      Agent client = new Agent(timed);
      Answer first = client.get(LEAF);
      assertThat(first.text("ValidBefore")).isEqualTo("2026-11-20T12:01:40Z");
      CompletableFuture<Answer> watch = client.blocked(LEAF + "?wait=60s&index=" + first.index());

      now.set(now.get().plusSeconds(91));

      assertThat(done(watch).text("ValidBefore")).isEqualTo("2026-11-20T12:03:11Z");
    }
  }

  private static Clock clock(AtomicReference<Instant> now) {
    return new Clock() {
      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(java.time.ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return now.get();
      }
    };
  }
}
