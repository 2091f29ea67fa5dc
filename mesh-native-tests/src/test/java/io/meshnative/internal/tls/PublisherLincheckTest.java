package io.meshnative.internal.tls;

import io.meshnative.identity.TrustBundle;
import io.meshnative.identity.TrustDomain;
import io.meshnative.identity.WorkloadIdentity;
import io.meshnative.testkit.IssuedCertificate;
import io.meshnative.testkit.LeafSpec;
import io.meshnative.testkit.MeshTestAuthority;
import java.util.ArrayList;
import java.util.List;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every interleaving, within bounds, of publications of trust and of policy, of sweeps and of the
 * end: no publication is lost, no reader sees a pair that nobody published, no sweep sees an older
 * pair than the sweep before it, and nothing comes after the end.
 */
class PublisherLincheckTest {
  private static final int LAST = 9;
  private static final TrustEpoch[] EPOCHS = epochs();
  private static final PolicyVersion[] POLICIES = policies();

  private static TrustEpoch[] epochs() {
    try {
      MeshTestAuthority authority = MeshTestAuthority.create();
      IssuedCertificate own = authority.issue(LeafSpec.service("db"));
      WorkloadIdentity identity = WorkloadIdentity.of(own.chain(), own.privateKey());
      List<TrustBundle> roots =
          List.of(
              TrustBundle.of(TrustDomain.of(authority.trustDomain()), List.of(authority.root())));
      TrustEpoch[] epochs = new TrustEpoch[LAST];
      for (int i = 0; i < LAST; i++) {
        epochs[i] = TrustEpoch.underForeignRoots(i + 1, identity, roots);
      }
      return epochs;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static PolicyVersion[] policies() {
    PolicyVersion[] policies = new PolicyVersion[LAST + 1];
    for (int i = 0; i <= LAST; i++) {
      policies[i] = PolicyVersion.denyAll(i, "no matter");
    }
    return policies;
  }

  private static String text(Published pair) {
    TrustEpoch trust = pair.trust();
    return (trust == null ? 0 : trust.number()) + "/" + pair.policy().number();
  }

  /** What Lincheck runs; linearizable as it stands, or it says how not. */
  public static class Subject {
    private final Publisher publisher = new Publisher(POLICIES[0]);
    private long sweptTrust;
    private long sweptPolicy;
    private boolean sweptBackwards;

    public Subject() {
      // Sweeps run one at a time; what they saw needs no lock of its own.
      publisher.onPublished(pair -> {
        TrustEpoch epoch = pair.trust();
        long trust = epoch == null ? 0 : epoch.number();
        long policy = pair.policy().number();
        sweptBackwards |= trust < sweptTrust || policy < sweptPolicy;
        sweptTrust = trust;
        sweptPolicy = policy;
      });
    }

    // One source of each kind: its numbers grow, as the assemblies' do.

    @Operation(nonParallelGroup = "trust", runOnce = true)
    public void trust1() {
      publisher.trust(EPOCHS[0]);
    }

    @Operation(nonParallelGroup = "policy", runOnce = true)
    public void policy1() {
      publisher.policy(POLICIES[1]);
    }

    @Operation(runOnce = true)
    public void end() {
      publisher.end(POLICIES[LAST]);
    }

    @Operation
    public void sweepAgain() {
      publisher.sweepAgain();
    }

    @Operation
    public String current() {
      return text(publisher.current());
    }

    @Validate
    public void theLastSweepSawTheLastPair() {
      if (sweptBackwards) {
        throw new IllegalStateException("a sweep saw an older pair than the sweep before");
      }
      Published now = publisher.current();
      boolean ended = now.policy().number() == LAST;
      boolean swept = text(now).equals(sweptTrust + "/" + sweptPolicy);
      boolean untouched = text(now).equals("0/0");
      if (!ended && !swept && !untouched) {
        throw new IllegalStateException(
            "held " + text(now) + ", last swept " + sweptTrust + "/" + sweptPolicy);
      }
    }
  }

  /** Threads that do these things at once; somebody looks when all is done. */
  @SafeVarargs
  private static ExecutionScenario scenario(List<String>... threads) throws Exception {
    List<List<Actor>> parallel = new ArrayList<>();
    for (List<String> thread : threads) {
      List<Actor> actors = new ArrayList<>();
      for (String operation : thread) {
        actors.add(actor(operation));
      }
      parallel.add(actors);
    }
    return new ExecutionScenario(
        List.of(), parallel, List.of(actor("current")), actor("theLastSweepSawTheLastPair"));
  }

  private static Actor actor(String operation) throws NoSuchMethodException {
    return new Actor(Subject.class.getMethod(operation), List.of());
  }

  @Test
  @Tag("P2")
  void noInterleavingMixesLosesOrReordersPairs() throws Exception {
    new ModelCheckingOptions()
        .iterations(0) // the scenarios that matter, and no random ones
        .invocationsPerIteration(400)
        .addCustomScenario(scenario(List.of("trust1", "current"), List.of("policy1", "current")))
        .addCustomScenario(scenario(List.of("trust1"), List.of("policy1"), List.of("end")))
        .addCustomScenario(scenario(List.of("policy1", "sweepAgain"), List.of("trust1")))
        .check(Subject.class);
  }
}
