package io.meshnative.internal.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.identity.SpiffeId;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is kept of proofs, and under which keys. */
class ProofStoreTest {
  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final X509Certificate leaf = authority.issue(LeafSpec.service("web")).leaf();

  private PeerProof proof(PeerRole role, List<X509Certificate> chain) throws Exception {
    return new PeerProof(
        role,
        SpiffeId.of(chain.get(0)),
        chain,
        authority.root(),
        leaf.getNotBefore().toInstant(),
        leaf.getNotAfter().toInstant());
  }

  private static ProofStore.Key key(PeerRole role, String roots, byte[]... encoded) {
    return ProofStore.Key.of(encoded, role, roots);
  }

  @Test
  void aProofIsFoundUnderTheSameChainRoleAndRootsOnly() throws Exception {
    ProofStore store = new ProofStore();
    byte[] der = leaf.getEncoded();
    store.keep(key(PeerRole.CLIENT, "roots", der), proof(PeerRole.CLIENT, List.of(leaf)));
    assertThat(store.find(key(PeerRole.CLIENT, "roots", der))).isNotNull();
    assertThat(store.find(key(PeerRole.SERVER, "roots", der))).isNull();
    assertThat(store.find(key(PeerRole.CLIENT, "other roots", der))).isNull();
    assertThat(store.find(key(PeerRole.CLIENT, "roots", der, der))).isNull();
  }

  @Test
  void certificatesCutElsewhereAreAnotherChain() {
    assertThat(key(PeerRole.CLIENT, "r", new byte[] {1, 2}, new byte[] {3}))
        .isNotEqualTo(key(PeerRole.CLIENT, "r", new byte[] {1}, new byte[] {2, 3}))
        .isNotEqualTo(key(PeerRole.CLIENT, "r", new byte[] {1, 2, 3}));
  }

  @Test
  void aResumedSessionFindsTheProofOfItsLeafInItsRoleOnly() throws Exception {
    ProofStore store = new ProofStore();
    store.keep(key(PeerRole.CLIENT, "r", leaf.getEncoded()), proof(PeerRole.CLIENT, List.of(leaf)));
    assertThat(store.findByLeaf(leaf, PeerRole.CLIENT)).isNotNull();
    assertThat(store.findByLeaf(leaf, PeerRole.SERVER)).isNull();
    assertThat(store.findByLeaf(authority.issue(LeafSpec.service("web")).leaf(), PeerRole.CLIENT))
        .isNull();
  }

  @Test
  void oneChainWithOtherJunkBehindItEachTimeDoesNotFillTheMemory() throws Exception {
    ProofStore store = new ProofStore();
    List<X509Certificate> fat = new ArrayList<>(List.of(leaf));
    // A certificate of some 60 KB, by a name that long.
    fat.add(authority.issue(LeafSpec.service("junk").uri("spiffe://" + "x".repeat(60_000))).leaf());
    PeerProof proof = proof(PeerRole.CLIENT, fat);
    List<ProofStore.Key> keys = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      ProofStore.Key key = key(PeerRole.CLIENT, "roots " + i, leaf.getEncoded());
      store.keep(key, proof);
      keys.add(key);
    }
    org.awaitility.Awaitility.await()
        .atMost(java.time.Duration.ofSeconds(60))
        .until(() -> keys.stream().filter(key -> store.find(key) != null).count() < 600);
  }
}
