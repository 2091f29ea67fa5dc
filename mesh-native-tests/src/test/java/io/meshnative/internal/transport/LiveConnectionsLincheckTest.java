package io.meshnative.internal.transport;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;

import io.meshnative.MeshException;
import io.meshnative.MeshNotReadyException;
import io.meshnative.RetirePolicy;
import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.intention.Intention;
import io.meshnative.intention.IntentionTable;
import io.meshnative.internal.tls.MeshEngine;
import io.meshnative.internal.tls.PeerProof;
import io.meshnative.internal.tls.PeerRole;
import io.meshnative.internal.tls.PeerVerifier;
import io.meshnative.internal.tls.PolicyVersion;
import io.meshnative.internal.tls.ProofStore;
import io.meshnative.internal.tls.Publisher;
import io.meshnative.internal.tls.TlsEngines;
import io.meshnative.internal.tls.TrustEpoch;
import io.meshnative.internal.tls.WirelessEngines;
import io.meshnative.spi.TlsProvider;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.security.cert.Certificate;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every interleaving, within bounds, of connections being let in, a withdrawal, its sweep and the
 * end of the client: whoever was let in and may not be is cut, whoever was cut has left the
 * registry and every index of it, and nobody is cut who may stay.
 */
class LiveConnectionsLincheckTest {
  private static final Instant NOW = Instant.now();
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final ProofStore PROOFS = new ProofStore();
  private static final PeerVerifier VERIFIER = new PeerVerifier(PROOFS);
  private static final TrustEpoch EPOCH;
  private static final PeerProof PROOF;
  private static final PolicyVersion ALLOW = policy(1, DefaultDecision.ALLOW);
  private static final PolicyVersion DENY = policy(2, DefaultDecision.DENY);

  /** Bounds the patience with retire listeners, of which there are none here. */
  private static final ScheduledExecutorService TIMER = Executors.newScheduledThreadPool(0);

  private static final PolicyVersion ENDED = PolicyVersion.denyAll(9, "the mesh client is closed");

  static {
    try {
      MeshTestAuthority authority = MeshTestAuthority.create();
      IssuedCertificate own = authority.issue(LeafSpec.service("db"));
      EPOCH =
          TrustEpoch.underForeignRoots(
              1,
              WorkloadIdentity.of(own.chain(), own.privateKey()),
              List.of(
                  TrustBundle.of(
                      TrustDomain.of(authority.trustDomain()), List.of(authority.root()))));
      PROOF =
          VERIFIER.prove(
              authority.issue(LeafSpec.service("web")).chain().toArray(new Certificate[0]),
              PeerRole.CLIENT,
              EPOCH,
              NOW);
    } catch (Exception e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static PolicyVersion policy(long number, DefaultDecision decision) {
    IntentionTable table =
        IntentionTable.compile(
            new Intention.Destination("default", "default", "db"), List.of(), decision);
    return PolicyVersion.of(number, table, List.of(), decision);
  }

  /** What Lincheck runs. */
  public static class Subject {
    private final Publisher publisher = new Publisher(ALLOW);
    private final PolicyCheck check = new PolicyCheck("db", VERIFIER, CLOCK);
    private final LiveConnections live =
        new LiveConnections(
            publisher,
            check,
            RetirePolicy.defaults(),
            () -> 0,
            Runnable::run,
            TIMER,
            event -> {},
            new Denials(check, publisher, event -> {}, record -> {}));
    private final TlsEngines engines =
        new TlsEngines(TlsProvider.jsse(), false, false, false, publisher, PROOFS, CLOCK);
    private final MeshEngine[] let = new MeshEngine[2];

    public Subject() {
      engines.authority(live);
      publisher.trust(EPOCH);
    }

    private void connect(int slot) {
      MeshEngine engine = WirelessEngines.inbound(engines, EPOCH);
      try {
        live.admit(engine, PROOF);
        let[slot] = engine;
      } catch (MeshException e) {
        // Refused: the right went first.
      }
    }

    @Operation(runOnce = true)
    public void connectFirst() {
      connect(0);
    }

    @Operation(runOnce = true)
    public void connectSecond() {
      connect(1);
    }

    @Operation(runOnce = true, nonParallelGroup = "policy")
    public void deny() {
      publisher.policy(DENY);
    }

    @Operation(runOnce = true)
    public void close() {
      publisher.end(ENDED);
      live.closeAll(new MeshNotReadyException("closed", null));
    }

    @Validate
    public void nobodySurvivesAndNothingIsLeftBehind() {
      boolean allowed = publisher.current().policy() == ALLOW;
      int staying = 0;
      for (MeshEngine engine : let) {
        if (engine == null) {
          continue;
        }
        boolean cut = engine.refusal() != null;
        if (!cut && !allowed) {
          throw new IllegalStateException(
              "a connection survived policy " + publisher.current().policy().number());
        }
        if (cut && allowed) {
          throw new IllegalStateException("a connection was cut that may stay");
        }
        staying += cut ? 0 : 1;
      }
      if (live.snapshot().size() != staying) {
        throw new IllegalStateException(
            staying + " connections stay, " + live.snapshot().size() + " are in the registry");
      }
      requireKnown(staying > 0);
    }

    /** The leaf leads to a peer as long as a connection of it stays, and then to none. */
    private void requireKnown(boolean expected) {
      try {
        live.peer(PROOF.leaf());
        if (!expected) {
          throw new IllegalStateException("a leaf without connection leads to a peer");
        }
      } catch (IllegalArgumentException none) {
        if (expected) {
          throw new IllegalStateException("the leaf of a connection leads to nobody", none);
        }
      } catch (MeshException stale) {
        throw new IllegalStateException("a connection that was cut is still indexed", stale);
      }
    }
  }

  /** Two things happen at once. */
  private static ExecutionScenario scenario(String one, String other) throws Exception {
    return new ExecutionScenario(
        List.of(),
        List.of(List.of(actor(one)), List.of(actor(other))),
        List.of(),
        actor("nobodySurvivesAndNothingIsLeftBehind"));
  }

  private static Actor actor(String operation) throws NoSuchMethodException {
    return new Actor(Subject.class.getMethod(operation), List.of());
  }

  /** What decides, and shares nothing: between its steps there is nothing to interleave. */
  private static boolean isPure(String type) {
    return type.startsWith("io.meshnative.intention.")
        || type.startsWith("io.meshnative.identity.")
        || type.equals(PolicyCheck.class.getName())
        || type.equals(PeerText.class.getName())
        || type.startsWith("sun.security.")
        || type.startsWith("java.time.");
  }

  /** Atomic by its own contract: what is interleaved is what we do with it. */
  private static boolean isMap(String type) {
    return type.startsWith("java.util.concurrent.ConcurrentHashMap");
  }

  @Test
  @Tag("T24")
  void noInterleavingLeavesASurvivor() throws Exception {
    new ModelCheckingOptions()
        .iterations(0) // the scenarios that matter, and no random ones
        .invocationsPerIteration(150)
        .addCustomScenario(scenario("connectFirst", "deny"))
        .addCustomScenario(scenario("connectFirst", "close"))
        .addGuarantee(forClasses(LiveConnectionsLincheckTest::isPure).allMethods().ignore())
        .addGuarantee(forClasses(LiveConnectionsLincheckTest::isMap).allMethods().treatAsAtomic())
        .check(Subject.class);
  }
}
