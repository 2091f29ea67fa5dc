package io.meshnative.servlet;

import static io.meshnative.servlet.ServletWorld.GUARD;
import static io.meshnative.servlet.ServletWorld.allow;
import static io.meshnative.servlet.ServletWorld.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.meshnative.intention.HttpRequestView;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.LongAdder;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Response;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Two services under load, while certificates rotate and a permission comes and goes: no allowed
 * request fails, no denied one is served. A few rotations in the build; {@code
 * -Dmesh.load.seconds=60} goes on for a minute.
 */
@Timeout(600)
class JettyLoadTest {
  private static final int ROUNDS = 4;
  private static final int CALLERS = 4;
  private static final long NANOS = Long.getLong("mesh.load.seconds", 0) * 1_000_000_000L;

  /**
   * What the server holds of the flipped path.
   *
   * @param number grows with each change
   * @param allowed null while it changes
   */
  private record Policy(int number, Boolean allowed) {}

  private final LongAdder allowedCalls = new LongAdder();
  private final LongAdder deniedCalls = new LongAdder();
  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private volatile Policy policy = new Policy(0, null);
  private volatile boolean over;

  @ParameterizedTest
  @EnumSource(
      value = Protocol.class,
      names = {"HTTP_1_1", "HTTP_2"})
  void rotationsAndFlipsFailNoAllowedRequestAndServeNoDeniedOne(
      Protocol protocol, TestReporter reporter) throws Exception {
    try (ServletWorld world = new ServletWorld(Container.JETTY, Engine.CONSCRYPT)) {
      HttpRequestView flipped =
          HttpRequestView.of("GET", "/show/flipped", List.of("api.mesh"), Map.of());
      world.rules(allow("/show/always"));
      policy = new Policy(1, false);
      OkHttpClient http = world.http(protocol);
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        Thread caller = new Thread(() -> call(http), "caller-" + i);
        caller.start();
        callers.add(caller);
      }
      int rounds = 0;
      long begin = System.nanoTime();
      while (rounds < ROUNDS || System.nanoTime() - begin < NANOS) {
        world.plane.rotateRoot();
        flip(world, flipped, true);
        await().atMost(GUARD).until(world::bothTrustAll); // nobody may be two roots behind
        callsGoOn();
        flip(world, flipped, false);
        callsGoOn();
        rounds++;
      }
      over = true;
      for (Thread caller : callers) {
        caller.join();
      }
      reporter.publishEntry(
          Map.of(
              "protocol", protocol.toString(),
              "rotations", Integer.toString(rounds),
              "flips", Integer.toString(2 * rounds),
              "allowed", allowedCalls.toString(),
              "denied", deniedCalls.toString(),
              "wrong", Integer.toString(wrong.size())));
      assertThat(wrong).isEmpty();
      assertThat(allowedCalls.sum()).isPositive();
      assertThat(deniedCalls.sum()).isPositive();
    }
  }

  private void flip(ServletWorld world, HttpRequestView flipped, boolean allowed) throws Exception {
    int number = policy.number() + 1;
    policy = new Policy(number, null);
    if (allowed) {
      world.rules(allow("/show/"));
    } else {
      world.rules(allow("/show/always"));
    }
    assertThat(world.api.explain("web", flipped).isAllowed()).isEqualTo(allowed);
    policy = new Policy(number + 1, allowed);
  }

  private void callsGoOn() {
    long allowed = allowedCalls.sum();
    long denied = deniedCalls.sum();
    boolean served = Boolean.TRUE.equals(policy.allowed());
    await()
        .atMost(GUARD)
        .until(() ->
            !wrong.isEmpty()
                || (allowedCalls.sum() > allowed + 20 && (served || deniedCalls.sum() > denied)));
  }

  private void call(OkHttpClient http) {
    while (!over) {
      expect(http, "/show/always", true);
      Policy before = policy;
      int status = status(http, "/show/flipped");
      if (before.allowed() != null && before.equals(policy)) {
        count("/show/flipped", before.allowed(), status);
      } else if (status != 200 && status != 403) {
        wrong.add("/show/flipped: " + status + " while it changed");
      }
    }
  }

  private void expect(OkHttpClient http, String path, boolean allowed) {
    count(path, allowed, status(http, path));
  }

  private void count(String path, boolean allowed, int status) {
    (allowed ? allowedCalls : deniedCalls).increment();
    if (status != (allowed ? 200 : 403)) {
      wrong.add(path + ": " + status + " where " + (allowed ? "allowed" : "denied"));
    }
  }

  private int status(OkHttpClient http, String path) {
    try (Response response = get(http, path)) {
      response.body().bytes();
      return response.code();
    } catch (IOException | RuntimeException e) {
      wrong.add(path + ": " + e);
      return 0;
    }
  }
}
