package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.testkit.KeyType;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Roots and leaves change under traffic, as fast as they can be made. Fresh dials, and connections
 * that are kept as a pool keeps them (as long as the trust generation is theirs), answer every
 * request. A key that met the chain of another generation would fail its handshake.
 */
class RotationStressTest {
  private static final Logger LOG = Logger.getLogger("io.meshnative");
  private static Level level;

  /** Each rotation is told at INFO; here that would be the test. */
  @BeforeAll
  static void quiet() {
    level = LOG.getLevel();
    LOG.setLevel(Level.SEVERE);
  }

  @AfterAll
  static void loud() {
    LOG.setLevel(level);
  }

  /** Requests from one client to the other, until told to stop. */
  private static final class Traffic implements AutoCloseable {
    private final MeshClient caller;
    private final String callee;
    private final boolean pooled;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong dials = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();
    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Thread thread;

    Traffic(MeshClient caller, String callee, boolean pooled) {
      this.caller = caller;
      this.callee = callee;
      this.pooled = pooled;
      this.thread = new Thread(this::run, "stress-" + caller.service());
      thread.setDaemon(true);
      thread.start();
    }

    private void run() {
      while (!over.get()) {
        long generation = caller.trustGeneration();
        try (SSLSocket socket = caller.dial(callee)) {
          dials.incrementAndGet();
          socket.setSoTimeout(30_000);
          do {
            Echo.ping(socket);
            answers.incrementAndGet();
          } while (pooled && !over.get() && generation == caller.trustGeneration());
        } catch (IOException | RuntimeException e) {
          failures.add(e);
        }
      }
    }

    @Override
    public void close() throws InterruptedException {
      over.set(true);
      thread.join(30_000);
    }
  }

  @ParameterizedTest
  @CsvSource({"Conscrypt, 100, 10", "JSSE, 20, 5"})
  @Timeout(300)
  void noRequestFailsWhileRootsAndLeavesRotate(String provider, int roots, int leavesARoot)
      throws Exception {
    MeshTestAuthority authority = MeshTestAuthority.create();
    FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
    FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");
    InetSocketAddress anyPort = new InetSocketAddress("127.0.0.1", 0);
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        Echo webEcho = new Echo(web.listen(anyPort, ListenOptions.defaults()));
        Echo dbEcho = new Echo(db.listen(anyPort, ListenOptions.defaults()))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", dbEcho.port()));
      dbPlane.endpoints("web", FakeControlPlane.endpoint(authority, "web", webEcho.port()));
      List<Traffic> traffic = new ArrayList<>();
      List<MeshTestAuthority> trusted = new ArrayList<>(List.of(authority));
      long leaves = 0;
      try (Traffic one = new Traffic(web, "db", true);
          Traffic two = new Traffic(web, "db", false);
          Traffic three = new Traffic(db, "web", true);
          Traffic four = new Traffic(db, "web", false)) {
        traffic.addAll(List.of(one, two, three, four));
        for (int root = 0; root < roots; root++) {
          MeshTestAuthority active = authority.successor(KeyType.EC_P256);
          trusted.add(active);
          if (trusted.size() > 3) {
            trusted.remove(0); // no leaf has come from it since the rotation before the last
          }
          MeshTestAuthority[] held = trusted.toArray(new MeshTestAuthority[0]);
          webPlane.roots(held);
          dbPlane.roots(held);
          long[] before = traffic.stream().mapToLong(t -> t.answers.get()).toArray();
          for (int leaf = 0; leaf < leavesARoot; leaf++) {
            (leaf % 2 == 0 ? webPlane : dbPlane).issue(active, leaf % 2 == 0 ? "web" : "db");
            leaves++;
          }
          awaitAnswers(traffic, before);
        }
      }
      assertThat(traffic).allSatisfy(t -> assertThat(t.failures).isEmpty());
      assertThat(traffic).allSatisfy(t -> assertThat(t.dials.get()).isGreaterThanOrEqualTo(roots));
      assertThat(web.trustGeneration())
          .isEqualTo(1 + roots + leaves / 2 + (leavesARoot % 2) * roots / 2);
    }
  }

  /** Each root meets traffic of every kind, or the next one does not come. */
  private static void awaitAnswers(List<Traffic> traffic, long[] before) {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    for (int i = 0; i < before.length; i++) {
      while (traffic.get(i).answers.get() <= before[i]) {
        assertThat(traffic.get(i).failures).isEmpty();
        assertThat(System.nanoTime()).as("an answer after the rotation").isLessThan(end);
        LockSupport.parkNanos(50_000);
      }
    }
  }
}
