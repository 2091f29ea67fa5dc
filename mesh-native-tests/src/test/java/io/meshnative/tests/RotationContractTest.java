package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.meshnative.MeshClient;
import io.meshnative.MeshEvent;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.CsvSource;

/** Roots change under traffic, and no request fails. */
@ParameterizedClass(name = "{0}, default allow {1}, {2}")
@CsvSource({"EMBEDDED, true, CONSCRYPT", "EMBEDDED, true, JSSE", "CONSUL, true, CONSCRYPT"})
class RotationContractTest extends Contract {
  private static final int ROTATIONS = 3;
  private static final int PERSISTENT = 3;
  private static final int ENOUGH = 50;

  /** Requests without pause: on connections that stay, and on a new one each. */
  private static final class Traffic implements AutoCloseable {
    private final MeshClient web;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private final List<AtomicLong> counts = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    Traffic(MeshClient web) {
      this.web = web;
      for (int i = 0; i < PERSISTENT; i++) {
        start(this::persist);
      }
      start(this::renew);
    }

    private void start(Requests requests) {
      AtomicLong count = new AtomicLong();
      counts.add(count);
      Thread thread =
          new Thread(
              () -> {
                try {
                  requests.run(count);
                } catch (IOException | RuntimeException e) {
                  failures.add(e);
                }
              },
              "traffic");
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }

    private interface Requests {
      void run(AtomicLong count) throws IOException;
    }

    private void persist(AtomicLong count) throws IOException {
      try (SSLSocket socket = dial()) {
        while (!ended.get()) {
          Echo.ping(socket);
          count.incrementAndGet();
        }
      }
    }

    private void renew(AtomicLong count) throws IOException {
      while (!ended.get()) {
        try (SSLSocket socket = dial()) {
          Echo.ping(socket);
        }
        count.incrementAndGet();
      }
    }

    private SSLSocket dial() throws IOException {
      SSLSocket socket = web.dial("db");
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      return socket;
    }

    /** Waits until each kind has done some more; a failure ends the wait. */
    void awaitMore() {
      List<Long> before = counts.stream().map(AtomicLong::get).toList();
      Cast.await(
          "traffic goes on",
          () -> {
            assertNoneFailed();
            for (int i = 0; i < before.size(); i++) {
              if (counts.get(i).get() < before.get(i) + ENOUGH) {
                return false;
              }
            }
            return true;
          });
    }

    void assertNoneFailed() {
      assertThat(failures).as("failed requests after %s", counts).isEmpty();
    }

    @Override
    public void close() throws InterruptedException {
      ended.set(true);
      for (Thread thread : threads) {
        thread.join(Cast.GUARD.toMillis());
        assertThat(thread.isAlive()).isFalse();
      }
    }
  }

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
