package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;

/**
 * What must be the same on every control plane. One plane serves a whole class; each test begins
 * with no intention and closes its services, which takes them out of the catalog.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@ExtendWith(Quiet.class)
abstract class Contract {
  @Parameter(0)
  PlaneKind kind;

  @Parameter(1)
  boolean defaultAllow;

  @Parameter(2)
  TlsKind tls;

  Plane plane;
  Cast cast;

  @BeforeParameterizedClassInvocation
  void startPlane() throws IOException {
    plane = kind.start(defaultAllow);
  }

  @AfterParameterizedClassInvocation
  void stopPlane() {
    if (plane != null) {
      plane.close();
    }
  }

  @BeforeEach
  void beginWithNobody() {
    cast = new Cast(plane, tls.provider());
  }

  @AfterEach
  void leaveNothing() throws Exception {
    cast.close();
    plane.removeAllIntentions();
  }

  /** Lets a source through where the default would not. */
  void grant(String source, String destination) throws IOException {
    if (!defaultAllow) {
      plane.allow(source, destination);
    }
  }

  /** Takes away what {@link #grant} gave: by a deny, or by the end of the allow. */
  void withdraw(String source, String destination) throws IOException {
    if (defaultAllow) {
      plane.deny(source, destination);
    } else {
      plane.remove(source, destination);
    }
  }

  static void awaitExplained(MeshClient destination, String source, boolean allowed) {
    Cast.await(
        destination.service() + " says " + allowed + " of " + source,
        () -> destination.explain(source).isAllowed() == allowed);
  }

  static void awaitExplained(MeshClient source, Destination destination, boolean allowed) {
    Cast.await(
        source.service() + " says " + allowed + " of " + destination,
        () -> source.explain(destination).isAllowed() == allowed);
  }
}
