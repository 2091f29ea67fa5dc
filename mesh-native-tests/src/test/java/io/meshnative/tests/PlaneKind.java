package io.meshnative.tests;

import io.meshnative.testkit.ConsulVersion;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;

/** On what a contract is proved. */
enum PlaneKind {
  EMBEDDED {
    @Override
    Plane start(boolean defaultAllow) {
      return EmbeddedPlane.start(defaultAllow);
    }

    @Override
    Plane startWithAcls() {
      return new EmbeddedPlane(
          EmbeddedControlPlane.builder().acls(true).defaultAllow(false).start());
    }
  },
  /** As Consul 1.8.7 is, with its defects. */
  EMBEDDED_1_8 {
    @Override
    Plane start(boolean defaultAllow) {
      return new EmbeddedPlane(
          EmbeddedControlPlane.builder()
              .mimic(ConsulVersion.V1_8)
              .mimicRotationDefect(true)
              .defaultAllow(defaultAllow)
              .start());
    }

    @Override
    Plane startWithAcls() {
      return new EmbeddedPlane(
          EmbeddedControlPlane.builder()
              .mimic(ConsulVersion.V1_8)
              .acls(true)
              .defaultAllow(false)
              .start());
    }
  },
  /** The agent that is found on this machine. */
  CONSUL {
    @Override
    LastingPlane startLasting() throws IOException {
      RealPeers.requireConsul();
      return new LastingPlane.Real(ConsulCluster.start(1, 1));
    }

    @Override
    Plane start(boolean defaultAllow) throws IOException {
      RealPeers.requireConsul();
      return ConsulAgent.start(defaultAllow);
    }

    @Override
    Plane startWithAcls() throws IOException {
      return start(false);
    }
  };

  /** Starts one, or ends the test as skipped where there is none. */
  abstract Plane start(boolean defaultAllow) throws IOException;

  /** Starts one that asks for tokens, and denies what no intention speaks of. */
  abstract Plane startWithAcls() throws IOException;

  /** Starts one that keeps its data while its parts are gone; nothing is denied by default. */
  LastingPlane startLasting() throws IOException {
    return new LastingPlane.Embedded((EmbeddedPlane) start(true));
  }
}
