package io.meshnative.tests;

import java.io.IOException;

/** On what a contract is proved. */
enum PlaneKind {
  EMBEDDED {
    @Override
    Plane start(boolean defaultAllow) {
      return EmbeddedPlane.start(defaultAllow);
    }
  },
  CONSUL {
    @Override
    Plane start(boolean defaultAllow) throws IOException {
      RealPeers.requireConsul();
      return ConsulAgent.start(defaultAllow);
    }
  };

  /** Starts one, or ends the test as skipped where there is none. */
  abstract Plane start(boolean defaultAllow) throws IOException;
}
