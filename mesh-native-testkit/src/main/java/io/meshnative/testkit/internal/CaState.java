package io.meshnative.testkit.internal;

import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The certificate authority as the agent shows it: roots, and one cached leaf per service and
 * token.
 *
 * <p>Invariant: no leaf of a root is served before that root is listed, except while the fault
 * {@link #withholdRoots} is on. Guarded by the {@link BlockingIndex}'s lock; every public method
 * takes it.
 */
public final class CaState {
  private record Root(
      MeshTestAuthority authority,
      List<X509Certificate> crossSigned,
      long createIndex,
      long modifyIndex,
      boolean active) {
    /** A rotation writes all roots anew. */
    Root inactive(long now) {
      return new Root(authority, crossSigned, createIndex, now, false);
    }
  }

  /** A cached leaf. {@code modifyIndex} is what the blocking query on it compares. */
  public record Leaf(
      IssuedCertificate certificate,
      String service,
      String uri,
      long modifyIndex,
      MeshTestAuthority issuer,
      Instant renewAt,
      long rotationDueNanos,
      boolean stuck) {}

  private final BlockingIndex index;
  private final PlaneSettings settings;
  private final FaultSwitches faults;
  private final Random random;
  private final String clusterId = UUID.randomUUID().toString();
  private final Map<String, Leaf> leaves = new HashMap<>();
  private List<Root> roots;
  private long rootsIndex;
  private @Nullable List<Root> withheldView;
  private Duration leafTtl;
  private @Nullable String impostor;
  private @Nullable String foreignKey;
  private final Map<String, @Nullable Object> configuration = new HashMap<>();
  private long configuredAt = 5;

  public CaState(BlockingIndex index, PlaneSettings settings, FaultSwitches faults, Random random) {
    this.index = index;
    this.settings = settings;
    this.faults = faults;
    this.random = random;
    this.leafTtl = settings.leafTtl();
    MeshTestAuthority first =
        MeshTestAuthority.create(clusterId + ".consul", settings.caKeyType(), settings.clock());
    this.rootsIndex = index.locked(index::next);
    this.roots = List.of(new Root(first, List.of(), rootsIndex, rootsIndex, true));
  }

  public String trustDomain() {
    return clusterId + ".consul";
  }

  /** The authority that signs now, with what its leaves have to be sent with. */
  public MeshTestAuthority active() {
    return index.locked(() -> {
      Root active = activeRoot();
      return active.authority().sending(active.crossSigned().toArray(new X509Certificate[0]));
    });
  }

  /** The certificates of every root that is listed, the active one first. */
  public List<X509Certificate> rootCertificates() {
    return index.locked(() -> published().stream().map(root -> root.authority().root()).toList());
  }

  public long rootsIndex() {
    return index.locked(() -> rootsIndex);
  }

  /** A new root with a new key. */
  public void rotate(KeyType keyType) {
    // Made outside the lock: an RSA key takes a while.
    install(activeAuthority().successor(keyType));
  }

  /** A new root with a key from outside, unless the active root has that key already. */
  public void rotate(KeyPair keys) {
    MeshTestAuthority current = activeAuthority();
    if (current.signsWith(keys.getPublic())) {
      touchRoots();
    } else {
      install(current.successor(keys));
    }
  }

  private MeshTestAuthority activeAuthority() {
    return index.locked(() -> activeRoot().authority());
  }

  private void install(MeshTestAuthority newcomer) {
    index.locked(() -> {
      long now = index.next();
      X509Certificate bridge = activeRoot().authority().crossSign(newcomer);
      List<Root> all = new ArrayList<>();
      all.add(new Root(newcomer, List.of(bridge), now, now, true));
      for (Root root : roots) {
        all.add(root.inactive(now));
      }
      roots = List.copyOf(all);
      if (withheldView == null) {
        rootsIndex = now;
      }
      leaves.replaceAll((key, leaf) -> due(leaf, rotationDelayNanos()));
    });
  }

  private long rotationDelayNanos() {
    long bound = settings.leafJitter().toNanos();
    return bound == 0 || withheldView != null ? 0 : (long) (random.nextDouble() * bound);
  }

  private static Leaf due(Leaf leaf, long delayNanos) {
    return new Leaf(
        leaf.certificate(),
        leaf.service(),
        leaf.uri(),
        leaf.modifyIndex(),
        leaf.issuer(),
        leaf.renewAt(),
        System.nanoTime() + delayNanos,
        leaf.stuck());
  }

  /** A write to the CA's configuration that leaves the roots as they are wakes their watchers. */
  public void touchRoots() {
    index.locked(() -> rootsIndex = index.next());
  }

  /** Drops the roots that are not active. */
  public void removeOldRoots() {
    index.locked(() -> {
      roots = roots.stream().filter(Root::active).toList();
      withheldView = null;
      rootsIndex = index.next();
    });
  }

  /** Replaces every cached leaf, as if each had come to its renewal. */
  public void reissueLeaves() {
    index.locked(() -> leaves.replaceAll((key, leaf) -> issue(leaf.service(), leaf.stuck())));
  }

  /** From now on leaves live as long as given; those out there keep their life. */
  public void leafTtl(Duration ttl) {
    index.locked(() -> {
      leafTtl = ttl;
    });
  }

  public Duration leafTtl() {
    return index.locked(() -> leafTtl);
  }

  /** Remembers what was written into the configuration, to be shown again. */
  void configured(Map<String, @Nullable Object> given) {
    index.locked(() -> {
      configuration.putAll(given);
      configuredAt = index.next();
    });
  }

  /** The configuration as it is shown: with the private key, if one was given (c.7). */
  Map<String, @Nullable Object> configurationJson() {
    return index.locked(() -> {
      Map<String, @Nullable Object> config = new java.util.TreeMap<>();
      config.put("IntermediateCertTTL", "8760h");
      if (settings.old()) {
        config.put("RotationPeriod", "2160h");
      }
      config.putAll(configuration);
      config.put("LeafCertTTL", GoDuration.format(leafTtl));
      return Json.object(
          "Provider",
          "consul",
          "Config",
          config,
          "State",
          null,
          "ForceWithoutCrossSigning",
          false,
          "CreateIndex",
          5,
          "ModifyIndex",
          configuredAt);
    });
  }

  /** Fault: the list of roots stays as it is, whatever happens to them. */
  public void withholdRoots(boolean on) {
    index.locked(() -> {
      if (on && withheldView == null) {
        withheldView = roots;
      } else if (!on && withheldView != null) {
        withheldView = null;
        rootsIndex = index.next();
      }
    });
  }

  /** Fault: every leaf is one of this service. Null ends it. */
  public void impostor(@Nullable String service) {
    index.locked(() -> {
      if (!Objects.equals(impostor, service)) {
        impostor = service;
        reissueLeaves();
      }
    });
  }

  /** Fault: every leaf comes with the key of another. */
  public void foreignKeys(boolean on) {
    index.locked(() -> {
      if (on != (foreignKey != null)) {
        foreignKey = on ? active().issue(LeafSpec.service("nobody")).keyPem() : null;
        reissueLeaves();
      }
    });
  }

  /** Loses the cached leaves and counts low again, as an agent does that restarts. */
  public void restart() {
    index.locked(() -> {
      rootsIndex = index.next();
      roots =
          roots.stream()
              .map(
                  r -> new Root(r.authority(), r.crossSigned(), rootsIndex, rootsIndex, r.active()))
              .toList();
      leaves.clear();
    });
  }

  /** The agent's cache has an entry for each service and token: another token, another leaf. */
  private static String key(String service, String token) {
    return service + "\0" + token;
  }

  /** The leaf of a service for a token, made or renewed if that is due. */
  public Leaf leaf(String service, String token) {
    return index.locked(() -> {
      Leaf leaf = leaves.get(key(service, token));
      if (leaf == null || (isDue(leaf) && !faults.signingLimited)) {
        // The defect: what a rotation renewed once, no rotation renews again (c.6).
        boolean rotated = leaf != null && !leaf.issuer().equals(activeRoot().authority());
        boolean stuck = settings.rotationDefect() && leaf != null && (leaf.stuck() || rotated);
        leaf = issue(service, stuck);
        leaves.put(key(service, token), leaf);
      }
      return leaf;
    });
  }

  /** Whether a leaf is cached, so that the agent answers from memory. */
  public boolean hasLeaf(String service, String token) {
    return index.locked(() -> leaves.containsKey(key(service, token)));
  }

  /** How long until the leaf is replaced for a rotation's sake, in nanoseconds. */
  public long leafDueNanos(String service, String token) {
    return index.locked(() -> {
      Leaf leaf = leaves.get(key(service, token));
      return leaf == null || leaf.stuck() || leaf.issuer().equals(activeRoot().authority())
          ? Long.MAX_VALUE
          : leaf.rotationDueNanos() - System.nanoTime();
    });
  }

  private boolean isDue(Leaf leaf) {
    if (!settings.clock().instant().isBefore(leaf.renewAt())) {
      return true;
    }
    return !leaf.stuck()
        && !leaf.issuer().equals(activeRoot().authority())
        && System.nanoTime() - leaf.rotationDueNanos() >= 0;
  }

  private Leaf issue(String service, boolean stuck) {
    Root root = activeRoot();
    MeshTestAuthority issuer = root.authority();
    String named = impostor == null ? service : impostor;
    LeafSpec spec = LeafSpec.service(named).datacenter(settings.datacenter()).life(leafTtl);
    IssuedCertificate made =
        issuer.sending(root.crossSigned().toArray(new X509Certificate[0])).issue(spec);
    Instant now = settings.clock().instant();
    Duration life = Duration.between(now, made.leaf().getNotAfter().toInstant());
    // Consul renews at a random moment between 60 and 90 % of the life (c.6).
    long renewIn = (long) (life.toNanos() * (0.6 + 0.3 * random.nextDouble()));
    return new Leaf(
        made,
        service,
        issuer.serviceUri(named, settings.datacenter()),
        index.next(),
        issuer,
        now.plusNanos(renewIn),
        System.nanoTime(),
        stuck);
  }

  private Root activeRoot() {
    return roots.stream().filter(Root::active).findFirst().orElseThrow();
  }

  private List<Root> published() {
    return withheldView == null ? roots : withheldView;
  }

  /** The body of the roots endpoints. */
  public Map<String, @Nullable Object> rootsJson() {
    return index.locked(() -> {
      List<Object> list = new ArrayList<>();
      String activeId = "";
      for (Root root : published()) {
        list.add(rootJson(root));
        activeId = root.active() ? root.authority().rootId() : activeId;
      }
      return Json.object("ActiveRootID", activeId, "TrustDomain", trustDomain(), "Roots", list);
    });
  }

  private Map<String, @Nullable Object> rootJson(Root root) {
    MeshTestAuthority authority = root.authority();
    X509Certificate certificate = authority.root();
    List<String> intermediates = root.crossSigned().stream().map(Pem::encode).toList();
    return Json.object(
        "ID", authority.rootId(),
        "Name", "Consul CA Root Cert",
        "SerialNumber", certificate.getSerialNumber().longValue(),
        "SigningKeyID", authority.signingKeyId(),
        "ExternalTrustDomain", clusterId,
        "NotBefore", certificate.getNotBefore().toInstant().toString(),
        "NotAfter", certificate.getNotAfter().toInstant().toString(),
        "RootCert", Pem.encode(certificate),
        "IntermediateCerts", intermediates.isEmpty() ? null : intermediates,
        "Active", root.active(),
        "PrivateKeyType", authority.keyKind(),
        "PrivateKeyBits", authority.keyBits(),
        "CreateIndex", root.createIndex(),
        "ModifyIndex", root.modifyIndex());
  }

  /** The body of the leaf endpoint. */
  public Map<String, @Nullable Object> leafJson(Leaf leaf) {
    String foreign = index.locked(() -> foreignKey);
    X509Certificate certificate = leaf.certificate().leaf();
    BigInteger serial = certificate.getSerialNumber();
    return Json.object(
        "SerialNumber", ColonHex.of(serial.toByteArray()),
        "CertPEM", leaf.certificate().certPem(),
        "PrivateKeyPEM", foreign == null ? leaf.certificate().keyPem() : foreign,
        "Service", leaf.uri().substring(leaf.uri().lastIndexOf('/') + 1),
        "ServiceURI", leaf.uri(),
        "ValidAfter", certificate.getNotBefore().toInstant().toString(),
        "ValidBefore", certificate.getNotAfter().toInstant().toString(),
        "CreateIndex", leaf.modifyIndex(),
        "ModifyIndex", leaf.modifyIndex());
  }
}
