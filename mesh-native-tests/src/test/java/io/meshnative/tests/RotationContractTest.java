package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** Roots change under traffic, and no request fails. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, true, CONSCRYPT", "EMBEDDED, true, JSSE", "CONSUL, true, CONSCRYPT"})
class RotationContractTest extends Contract {
  private static final int ROTATIONS = 3;

  /** The roots that a client holds, as its events tell. */
  private AtomicInteger rootsOf(MeshClient client) {
    AtomicInteger roots = new AtomicInteger(1);
    cast.keep(
        client.subscribe(event -> {
          if (event instanceof MeshEvent.TrustChanged changed) {
            roots.set(changed.roots());
          }
        })
            ::close);
    return roots;
  }

  private static X509Certificate leaf(MeshClient client) {
    return client.identity().chain().get(0);
  }

  @Test
  void threeRotationsInARowFailNoRequest() throws Exception {
    MeshClient db = cast.registered("db");
    MeshClient web = cast.client("web");
    AtomicInteger dbRoots = rootsOf(db);
    AtomicInteger webRoots = rootsOf(web);
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    try (Traffic traffic = new Traffic(web)) {
      traffic.awaitMore();
      for (int rotation = 1; rotation <= ROTATIONS; rotation++) {
        X509Certificate dbLeaf = leaf(db);
        X509Certificate webLeaf = leaf(web);
        long generation = web.trustGeneration();
        plane.rotateRoot();
        int held = rotation + 1;
        Cast.await(
            "both hold " + held + " roots", () -> dbRoots.get() == held && webRoots.get() == held);
        if (kind == PlaneKind.EMBEDDED || rotation == 1) {
          // An agent of 1.8 or 1.10 renews a watched leaf after the first rotation only; later ones
          // go on with it.
          Cast.await(
              "both have new leaves", () -> !leaf(db).equals(dbLeaf) && !leaf(web).equals(webLeaf));
        }
        assertThat(web.trustGeneration()).isGreaterThan(generation);
        traffic.awaitMore();
      }
      traffic.close();
      traffic.assertNoneFailed();
    }
    if (kind == PlaneKind.EMBEDDED) {
      onlyTheNewestRootIsLeft(((EmbeddedPlane) plane).plane(), web, db, webRoots, dbRoots);
    }
  }

  private void onlyTheNewestRootIsLeft(
      EmbeddedControlPlane embedded,
      MeshClient web,
      MeshClient db,
      AtomicInteger webRoots,
      AtomicInteger dbRoots)
      throws Exception {
    try (Traffic traffic = new Traffic(web)) {
      traffic.awaitMore();
      embedded.removeOldRoots();
      Cast.await("both hold one root", () -> dbRoots.get() == 1 && webRoots.get() == 1);
      traffic.awaitMore();
      traffic.close();
      traffic.assertNoneFailed();
    }
    assertThat(db.snapshot().lastDenials()).isEmpty();
    assertThat(web.snapshot().lastDenials()).isEmpty();
  }

  @Test
  void aConnectionWhosePeerChainsToNoHeldRootAnyMoreIsCut() throws Exception {
    assumeTrue(
        kind == PlaneKind.EMBEDDED,
        "a Consul agent keeps an old root for twice the life of its leaves");
    EmbeddedControlPlane embedded = ((EmbeddedPlane) plane).plane();
    MeshClient db = cast.registered("db");
    MeshClient web = cast.client("web");
    cast.echo(db);
    Cast.awaitEndpoint(web, "db");
    SSLSocket old = cast.keep(web.dial("db"));
    Echo.ping(old);
    X509Certificate dbLeaf = leaf(db);
    X509Certificate webLeaf = leaf(web);
    plane.rotateRoot();
    Cast.await(
        "both have new leaves", () -> !leaf(db).equals(dbLeaf) && !leaf(web).equals(webLeaf));
    Echo.ping(old);
    embedded.removeOldRoots();
    assertThatThrownBy(() -> old.getInputStream().read()).isInstanceOf(IOException.class);
    assertThat(Cast.reaches(web, "db")).isTrue();
  }
}
