package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * What goes on while something changes: requests of several kinds, one after the other in a lane
 * for each kind, until it is closed.
 */
final class SteadyRequests implements AutoCloseable {
  private static final long PAUSE = Duration.ofMillis(5).toNanos();
  private static final int ENOUGH = 20;

  /** Sends one request, and throws where it is not answered as it should be. */
  interface Lane {
    void request() throws Exception;
  }

  private final List<AtomicLong> answered = new ArrayList<>();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Void> lanes;
  private volatile boolean over;

  private SteadyRequests(List<Lane> kinds) {
    List<CompletableFuture<Void>> running = new ArrayList<>();
    for (Lane lane : kinds) {
      AtomicLong count = new AtomicLong();
      answered.add(count);
      running.add(Background.run(() -> run(lane, count)));
    }
    lanes = CompletableFuture.allOf(running.toArray(new CompletableFuture<?>[0]));
  }

  /** Begins, and waits until every lane has been answered. */
  static SteadyRequests start(Lane... lanes) {
    SteadyRequests requests = new SteadyRequests(List.of(lanes));
    requests.awaitMore();
    return requests;
  }

  private void run(Lane lane, AtomicLong count) {
    while (!over) {
      try {
        lane.request();
        count.incrementAndGet();
      } catch (Exception | AssertionError e) {
        failures.add(e);
      }
      LockSupport.parkNanos(PAUSE);
    }
  }

  /**
   * Waits until every lane has been answered several times more; fails as soon as a request has.
   */
  void awaitMore() {
    List<Long> before = answered.stream().map(AtomicLong::get).toList();
    Cast.await(
        "requests go on",
        () -> {
          assertNoneFailed();
          for (int i = 0; i < before.size(); i++) {
            if (answered.get(i).get() < before.get(i) + ENOUGH) {
              return false;
            }
          }
          return true;
        });
  }

  void assertNoneFailed() {
    assertThat(failures).as("failed requests, after %s", answered).isEmpty();
  }

  @Override
  public void close() {
    over = true;
    lanes.join();
  }
}
