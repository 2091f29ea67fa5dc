package io.meshnative.internal.transport;

import io.meshnative.IdentityExpiredException;
import io.meshnative.MeshAuthorizationException;
import io.meshnative.MeshException;
import io.meshnative.MeshNotReadyException;
import io.meshnative.PeerIdentityException;
import io.meshnative.discovery.Destination;
import io.meshnative.identity.ConsulId;
import io.meshnative.identity.SpiffeId;
import io.meshnative.identity.TrustDomain;
import io.meshnative.intention.Decision;
import io.meshnative.intention.HttpRequestView;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.PeerVerifier;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.Published;
import io.meshnative.internal.tls.TrustEpoch;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Identity, time and policy of a peer, judged under one published pair. Every way in and out goes
 * through here. Pure but for the clock; thread-safe.
 */
public final class PolicyCheck {
  private static final ConsulId.Service NOBODY =
      new ConsulId.Service(
          TrustDomain.of("nobody.invalid"), "default", "default", "none", "nobody");

  private final String service;
  private final PeerVerifier verifier;
  private final Clock clock;

  public PolicyCheck(String service, PeerVerifier verifier, Clock clock) {
    this.service = service;
    this.verifier = verifier;
    this.clock = clock;
  }

  /** The own service's name. */
  String service() {
    return service;
  }

  Instant now() {
    return clock.instant();
  }

  /** The epoch to work in; throws where there is none or the own identity has ended. */
  public TrustEpoch liveEpoch(Published pair) throws MeshException {
    TrustEpoch epoch = pair.trust();
    if (epoch == null) {
      throw new MeshNotReadyException(
          "expected an identity and roots for service "
              + service
              + ", found none yet; wait with awaitReady",
          null);
    }
    Instant end = epoch.identity().notAfter();
    if (now().isAfter(end)) {
      throw new IdentityExpiredException(
          "expected a live identity, found that of "
              + epoch.identity().id()
              + " ended at "
              + end
              + "; the control plane has not renewed it: look at the last ControlPlaneFailed event",
          end);
    }
    return epoch;
  }

  /**
   * The proof at hand, where it is of the roots of the pair and of this time. Else the peer is
   * proven again: its leaf may lead to another root than the one that was taken away, or has ended.
   */
  public PeerProof current(PeerProof proof, TrustEpoch epoch) throws MeshException {
    Instant now = now();
    boolean anchored = epoch.anchors(proof);
    if (anchored && proof.coversTime(now)) {
      return proof;
    }
    if (anchored && !isLive(proof.leaf(), now)) {
      throw outOfTime(proof, now, null); // no other path makes the leaf live longer
    }
    PeerProof shown;
    try {
      shown = verifier.prove(proof.chain().toArray(new Certificate[0]), proof.role(), epoch, now);
    } catch (PeerIdentityException e) {
      throw anchored ? outOfTime(proof, now, e) : e;
    }
    if (!shown.coversTime(now)) {
      throw outOfTime(shown, now, null);
    }
    return shown;
  }

  private static boolean isLive(X509Certificate leaf, Instant now) {
    return !now.isBefore(leaf.getNotBefore().toInstant())
        && !now.isAfter(leaf.getNotAfter().toInstant());
  }

  private static IdentityExpiredException outOfTime(
      PeerProof shown, Instant now, @Nullable PeerIdentityException cause) {
    IdentityExpiredException ended =
        new IdentityExpiredException(
            "expected a peer whose certificates are valid at "
                + now
                + ", found "
                + shown.id()
                + ", valid "
                + shown.notBefore()
                + " to "
                + shown.notAfter(),
            shown.notAfter());
    if (cause != null) {
      ended.initCause(cause);
    }
    return ended;
  }

  /**
   * The peer must be exactly the destination; and nothing read so far may say that it will refuse
   * us.
   */
  public Decision outbound(
      Destination destination, PeerProof proof, Published pair, TrustEpoch epoch)
      throws MeshException {
    SpiffeId expected = epoch.expected(destination).spiffeId();
    if (!proof.id().equals(expected)) {
      throw new PeerIdentityException(
          "expected "
              + expected
              + " to answer for "
              + destination
              + ", found "
              + proof.id()
              + "; the address belongs to another service: look at its registration",
          expected.toString(),
          proof.id().toString(),
          null);
    }
    return requireDialable(destination, pair, epoch);
  }

  /**
   * Denies where the destination's intentions definitely do; what may not be read, the peer
   * decides.
   */
  public Decision requireDialable(Destination destination, Published pair, TrustEpoch epoch)
      throws MeshException {
    PolicyVersion policy = pair.policy();
    IntentionTable table = policy.outbound(destination);
    Decision decision = table.decide(epoch.self());
    boolean definite = !policy.loaded() || table.definitelyDenies(epoch.self());
    if (definite && decision instanceof Decision.Denied denied) {
      throw new MeshAuthorizationException(
          "expected that "
              + epoch.self().spiffeId()
              + " may call "
              + destination
              + ", found: "
              + denied.reason()
              + "; ask the owner of "
              + destination.service()
              + " for an intention",
          denied,
          policy.number());
    }
    return decision;
  }

  ConsulId.Service requireService(PeerProof proof) throws PeerIdentityException {
    if (proof.consulId().orElse(null) instanceof ConsulId.Service caller) {
      return caller;
    }
    throw new PeerIdentityException(
        "expected the id of a Consul service as caller of " + service + ", found " + proof.id(),
        "the id of a Consul service",
        proof.id().toString(),
        null);
  }

  MeshAuthorizationException denied(SpiffeId caller, Decision.Denied denied, Published pair) {
    return new MeshAuthorizationException(
        "expected that "
            + caller
            + " may call "
            + service
            + ", found: "
            + denied.reason()
            + "; an intention of "
            + service
            + " decides this",
        denied,
        pair.policy().number());
  }

  /** A denial for a reason that no table holds. */
  static Decision.Denied refusal(Decision.Cause cause, String reason) {
    Decision decision = IntentionTable.denyAll(cause, reason).decide(NOBODY);
    if (decision instanceof Decision.Denied denied) {
      return denied;
    }
    throw new IllegalStateException("a table that denies all denies nobody");
  }

  /** An ended identity or a root that is gone denies too. */
  static MeshAuthorizationException asDenial(MeshException reason) {
    if (reason instanceof MeshAuthorizationException denied) {
      return denied;
    }
    String text = String.valueOf(reason.getMessage());
    MeshAuthorizationException denied =
        new MeshAuthorizationException(text, refusal(Decision.Cause.IDENTITY, text));
    denied.initCause(reason);
    return denied;
  }

  /** What ended a connection, told of a request that comes on it afterwards. */
  static MeshAuthorizationException denialOf(HttpRequestView request, MeshException ended) {
    MeshAuthorizationException denial = asDenial(ended);
    MeshAuthorizationException denied =
        new MeshAuthorizationException(
            String.valueOf(denial.getMessage()),
            denial.decision().of(request),
            denial.policyVersion().orElse(-1));
    denied.initCause(ended);
    return denied;
  }

  /** What the intentions say of a caller's connection. */
  Decision inbound(ConsulId.Service caller, Published pair, TrustEpoch epoch) {
    return isOwn(caller, epoch) ? pair.policy().inbound().decide(caller) : stranger(caller, epoch);
  }

  /** What the intentions say of a caller's request. */
  Decision inbound(
      ConsulId.Service caller, HttpRequestView request, Published pair, TrustEpoch epoch) {
    return isOwn(caller, epoch)
        ? pair.policy().inbound().decide(caller, request)
        : stranger(caller, epoch).of(request);
  }

  /**
   * Intentions name services of the own trust domain. A source of trust may hold roots of others
   * too; a service of the same name there is another service (T05).
   */
  private static boolean isOwn(ConsulId.Service caller, TrustEpoch epoch) {
    return caller.trustDomain().equals(epoch.self().trustDomain());
  }

  private static Decision.Denied stranger(ConsulId.Service caller, TrustEpoch epoch) {
    return refusal(
        Decision.Cause.IDENTITY,
        "the caller is of the trust domain "
            + caller.trustDomain()
            + ", and intentions are about callers of "
            + epoch.self().trustDomain());
  }
}
