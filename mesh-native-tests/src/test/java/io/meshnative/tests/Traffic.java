package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.MeshClient;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLSocket;

/** Requests one after the other: on connections that stay, and on a new one each. */
final class Traffic implements AutoCloseable {
  private static final int PERSISTENT = 3;
  private static final int ENOUGH = 50;

  private final MeshClient web;
  private final Duration pause;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final List<Throwable> failures = new CopyOnWriteArrayList<>();
  private final List<AtomicLong> counts = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();

  /** Without pause. */
  Traffic(MeshClient web) {
    this(web, Duration.ZERO);
  }

  /** With a pause after each request, which leaves processors to other processes. */
  Traffic(MeshClient web, Duration pause) {
    this.web = web;
    this.pause = pause;
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
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "traffic");
    thread.setDaemon(true);
    threads.add(thread);
    thread.start();
  }

  private interface Requests {
    void run(AtomicLong count) throws IOException, InterruptedException;
  }

  private void persist(AtomicLong count) throws IOException, InterruptedException {
    try (SSLSocket socket = dial()) {
      while (!ended()) {
        Echo.ping(socket);
        count.incrementAndGet();
      }
    }
  }

  private void renew(AtomicLong count) throws IOException, InterruptedException {
    while (!ended()) {
      try (SSLSocket socket = dial()) {
        Echo.ping(socket);
      }
      count.incrementAndGet();
    }
  }

  private boolean ended() throws InterruptedException {
    return ended.await(pause.toNanos(), TimeUnit.NANOSECONDS);
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

  /** How many requests have been answered. */
  long answered() {
    return counts.stream().mapToLong(AtomicLong::get).sum();
  }

  void assertNoneFailed() {
    assertThat(failures).as("failed requests after %s", counts).isEmpty();
  }

  @Override
  public void close() throws InterruptedException {
    ended.countDown();
    for (Thread thread : threads) {
      thread.join(Cast.GUARD.toMillis());
      assertThat(thread.isAlive()).isFalse();
    }
  }
}
