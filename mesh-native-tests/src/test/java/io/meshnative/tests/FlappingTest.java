package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.discovery.Destination;
import io.meshnative.intention.DefaultDecision;
import io.meshnative.testkit.MeshTestAuthority;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Rights that come and go faster than anybody can follow (T27). Flips may coalesce; once they have
 * stopped, the connections are what the last policy says, on both sides.
 */
@Timeout(180)
class FlappingTest {
  private static final int MOST_FLIPS = 6;

  private final MeshTestAuthority authority = MeshTestAuthority.create();
  private final FakeControlPlane webPlane = FakeControlPlane.allowingAll(authority, "web");
  private final FakeControlPlane dbPlane = FakeControlPlane.allowingAll(authority, "db");

  private static void await(java.util.concurrent.Callable<Boolean> condition) {
    Awaitility.await()
        .pollInterval(Duration.ofMillis(2))
        .atMost(Duration.ofSeconds(60))
        .until(condition);
  }

  private static void flip(FakeControlPlane plane, boolean allowed) {
    plane.intentions(
        allowed
            ? FakeControlPlane.update(DefaultDecision.ALLOW)
            : FakeControlPlane.update(DefaultDecision.ALLOW, FakeControlPlane.deny("web", "db")));
  }

  /** In one policy or in the other: the callee's intention, or what the caller may read of it. */
  @ParameterizedTest
  @CsvSource({"Conscrypt, true, 40", "Conscrypt, false, 40", "JSSE, true, 15", "JSSE, false, 15"})
  void connectionsAreWhatTheLastPolicySaysOnceItStopsFlapping(
      String provider, boolean calleeJudges, int rounds) throws Exception {
    FakeControlPlane flapping = calleeJudges ? dbPlane : webPlane;
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (MeshClient web = Engines.builder("web", provider).controlPlane(webPlane).build();
        MeshClient db = Engines.builder("db", provider).controlPlane(dbPlane).build();
        Echo echo =
            new Echo(db.listen(new InetSocketAddress("127.0.0.1", 0), ListenOptions.defaults()))) {
      webPlane.endpoints("db", FakeControlPlane.endpoint(authority, "db", echo.port()));
      for (int round = 0; round < rounds; round++) {
        Queue<SSLSocket> dialled = new ConcurrentLinkedQueue<>();
        AtomicBoolean over = new AtomicBoolean();
        AtomicLong tries = new AtomicLong();
        CompletableFuture<Void> dialling = Background.run(() -> dial(web, dialled, over, tries));
        boolean allowed = false;
        int flips = 1 + random.nextInt(MOST_FLIPS);
        for (int i = 0; i < flips; i++) {
          allowed = random.nextBoolean();
          flip(flapping, allowed);
        }
        long tried = tries.get();
        await(() -> tries.get() > tried + 1); // traffic has met the last policy
        over.set(true);
        dialling.get(60, TimeUnit.SECONDS);

        String what = "seed " + seed + ", round " + round + ", allowed " + allowed;
        if (allowed) {
          assertThat(web.explain(Destination.parse("db")).isAllowed()).as(what).isTrue();
          try (SSLSocket fresh = web.dial("db")) {
            Echo.ping(fresh);
          }
        } else {
          MeshClient judge = calleeJudges ? db : web;
          assertThat(judge.snapshot().connections()).as(what).isEmpty();
          assertThatThrownBy(
                  () -> {
                    try (SSLSocket fresh = web.dial("db")) {
                      Echo.ping(fresh);
                    }
                  })
              .as(what)
              .isInstanceOf(IOException.class);
        }
        int works = 0;
        List<SSLSocket> all = new ArrayList<>(dialled);
        for (SSLSocket socket : all) {
          works += answers(socket) ? 1 : 0;
        }
        int open = works;
        await(() -> db.snapshot().connections().size() == open);
        assertThat(web.snapshot().connections()).as(what).hasSize(open);
        assertThat(allowed || works == 0).as(what).isTrue();
        for (SSLSocket socket : all) {
          socket.close();
        }
        await(
            () -> web.snapshot().connections().isEmpty() && db.snapshot().connections().isEmpty());
        flip(flapping, true);
      }
    }
  }

  private static boolean answers(SSLSocket socket) {
    try {
      Echo.ping(socket);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static void dial(
      MeshClient web, Queue<SSLSocket> dialled, AtomicBoolean over, AtomicLong tries) {
    while (!over.get()) {
      try {
        SSLSocket socket = web.dial("db");
        if (answers(socket)) {
          dialled.add(socket);
        } else {
          socket.close();
        }
      } catch (IOException e) {
        // Denied at this moment.
      }
      tries.incrementAndGet();
    }
  }
}
