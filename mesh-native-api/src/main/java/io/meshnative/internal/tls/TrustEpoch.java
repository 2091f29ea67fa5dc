package io.meshnative.internal.tls;

import io.meshnative.discovery.Destination;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.spi.InvalidUpdateException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Identity and roots that belong together, under a number. A handshake runs wholly inside one
 * epoch: a key never meets another generation's chain.
 *
 * <p>Invariant: the identity's leaf chains to a root of the own trust domain's bundle, at the
 * moment the epoch was made.
 */
public final class TrustEpoch {
  private final long number;
  private final WorkloadIdentity identity;
  private final ConsulId.Service self;
  private final Map<TrustDomain, TrustBundle> bundles;
  private final Map<TrustDomain, String> rootSets;

  private TrustEpoch(
      long number,
      WorkloadIdentity identity,
      ConsulId.Service self,
      Map<TrustDomain, TrustBundle> bundles) {
    this.number = number;
    this.identity = identity;
    this.self = self;
    this.bundles = Map.copyOf(bundles);
    Map<TrustDomain, String> sets = new HashMap<>();
    bundles.forEach((domain, bundle) -> sets.put(domain, fingerprint(bundle)));
    this.rootSets = Map.copyOf(sets);
  }

  /**
   * Makes an epoch, if identity and roots are consistent.
   *
   * @throws InvalidUpdateException if the leaf does not chain to a held root now, or is not a
   *     service's
   */
  public static TrustEpoch of(
      long number,
      WorkloadIdentity identity,
      TrustDomain local,
      List<TrustBundle> bundles,
      PeerVerifier verifier,
      Instant now)
      throws InvalidUpdateException {
    if (!(identity.id().consulId().orElse(null) instanceof ConsulId.Service self)) {
      throw new InvalidUpdateException(
          "expected the id of a Consul service as own identity, found " + identity.id());
    }
    if (!self.trustDomain().equals(local)) {
      throw new InvalidUpdateException(
          "expected an identity of the own trust domain " + local + ", found " + identity.id());
    }
    Map<TrustDomain, TrustBundle> byDomain = new HashMap<>();
    bundles.forEach(bundle -> byDomain.put(bundle.trustDomain(), bundle));
    TrustEpoch epoch = new TrustEpoch(number, identity, self, byDomain);
    verifier.proveOwn(epoch, now);
    return epoch;
  }

  /**
   * Makes an epoch whose roots the own leaf does not chain to: for roots that were taken away
   * before the new leaf came. Peers are judged by these roots; they will refuse us.
   */
  public static TrustEpoch underForeignRoots(
      long number, WorkloadIdentity identity, List<TrustBundle> bundles) {
    if (!(identity.id().consulId().orElse(null) instanceof ConsulId.Service self)) {
      throw new IllegalArgumentException(
          "expected an identity that was in an epoch before, found " + identity);
    }
    Map<TrustDomain, TrustBundle> byDomain = new HashMap<>();
    bundles.forEach(bundle -> byDomain.put(bundle.trustDomain(), bundle));
    return new TrustEpoch(number, identity, self, byDomain);
  }

  public long number() {
    return number;
  }

  public WorkloadIdentity identity() {
    return identity;
  }

  /** The own place in Consul. */
  public ConsulId.Service self() {
    return self;
  }

  public int roots() {
    return bundles.values().stream().mapToInt(bundle -> bundle.roots().size()).sum();
  }

  /** The roots of each trusted domain. */
  public List<TrustBundle> bundles() {
    return List.copyOf(bundles.values());
  }

  @Nullable TrustBundle bundle(TrustDomain domain) {
    return bundles.get(domain);
  }

  /** A fingerprint of the roots that prove ids of this domain; part of the key of a proof. */
  String rootSet(TrustDomain domain) {
    return rootSets.getOrDefault(domain, "");
  }

  /** Whether this fingerprint is that of roots held here. */
  boolean hasRootSet(String fingerprint) {
    return rootSets.containsValue(fingerprint);
  }

  /** Whether the root that a proof ends in is still trusted for the proof's trust domain. */
  public boolean anchors(PeerProof proof) {
    TrustBundle bundle = bundles.get(proof.id().trustDomain());
    return bundle != null && bundle.roots().contains(proof.anchor());
  }

  /** Whom a destination must prove to be. */
  public ConsulId.Service expected(Destination destination) {
    return new ConsulId.Service(
        self.trustDomain(),
        destination.partition(),
        destination.namespace(),
        destination.datacenter().orElse(self.datacenter()),
        destination.service());
  }

  private static String fingerprint(TrustBundle bundle) {
    TreeSet<String> roots = new TreeSet<>();
    for (X509Certificate root : bundle.roots()) {
      try {
        roots.add(HexFormat.of().formatHex(sha256().digest(root.getEncoded())));
      } catch (CertificateEncodingException e) {
        throw new IllegalStateException("a parsed certificate has an encoding", e);
      }
    }
    return String.join(",", roots);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  @Override
  public String toString() {
    return "TrustEpoch[" + number + ", " + identity + ", " + roots() + " roots]";
  }
}
