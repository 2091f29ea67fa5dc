package io.meshnative.internal.tls;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.security.MessageDigest;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Proofs that were made, bounded in memory. By chain, role and roots, so that a chain is not proven
 * twice; and by leaf and role, so that a resumed session finds what its first handshake proved.
 */
public final class ProofStore {
  /**
   * Bounded by bytes, not by count: whoever has seen one good chain can send it again with other
   * junk behind it each time, up to 64 KB, and need not even hold its key, since a chain is proven
   * before its key is.
   */
  private static final long MAX_ENCODED_BYTES = 32L * 1024 * 1024;

  private final Cache<Key, PeerProof> byChain = bounded();
  private final Cache<String, PeerProof> byLeaf = bounded();

  private static <K> Cache<K, PeerProof> bounded() {
    return Caffeine.newBuilder()
        .maximumWeight(MAX_ENCODED_BYTES)
        .weigher((K key, PeerProof proof) -> encodedBytes(proof))
        .build();
  }

  private static int encodedBytes(PeerProof proof) {
    int bytes = 256;
    for (X509Certificate certificate : proof.chain()) {
      try {
        bytes += certificate.getEncoded().length;
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a parsed certificate has an encoding", e);
      }
    }
    return bytes;
  }

  /**
   * A chain in a role under a set of roots. A key without role or roots would skip their checks on
   * a hit.
   */
  record Key(String chain, PeerRole role, String roots) {
    static Key of(byte[][] encoded, PeerRole role, String roots) {
      MessageDigest digest = TrustEpoch.sha256();
      for (byte[] certificate : encoded) {
        digest.update((byte) (certificate.length >>> 16));
        digest.update((byte) (certificate.length >>> 8));
        digest.update((byte) certificate.length);
        digest.update(certificate);
      }
      return new Key(HexFormat.of().formatHex(digest.digest()), role, roots);
    }
  }

  @Nullable PeerProof find(Key key) {
    return byChain.getIfPresent(key);
  }

  void keep(Key key, PeerProof proof) {
    byChain.put(key, proof);
    byLeaf.put(leafKey(proof.leaf(), proof.role()), proof);
  }

  /**
   * Drops what cannot be used any more once an epoch has begun: proofs under roots that are not
   * held now, whose number would grow with that of the rotations, and leaves that have ended. A
   * leaf whose path has ended stays: it may lead to another root.
   */
  void keepFor(TrustEpoch epoch, Instant now) {
    byChain
        .asMap()
        .entrySet()
        .removeIf(
            entry -> !epoch.hasRootSet(entry.getKey().roots()) || hasEnded(entry.getValue(), now));
    byLeaf.asMap().values().removeIf(proof -> !epoch.anchors(proof) || hasEnded(proof, now));
  }

  private static boolean hasEnded(PeerProof proof, Instant now) {
    return now.isAfter(proof.leaf().getNotAfter().toInstant());
  }

  /** What this leaf proved in a full handshake, null if nothing or it was too long ago. */
  @Nullable PeerProof findByLeaf(X509Certificate leaf, PeerRole role) {
    return byLeaf.getIfPresent(leafKey(leaf, role));
  }

  private static String leafKey(X509Certificate leaf, PeerRole role) {
    try {
      return role + HexFormat.of().formatHex(TrustEpoch.sha256().digest(leaf.getEncoded()));
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a parsed certificate has an encoding", e);
    }
  }
}
