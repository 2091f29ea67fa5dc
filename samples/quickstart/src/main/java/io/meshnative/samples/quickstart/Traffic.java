package io.meshnative.samples.quickstart;

import io.meshnative.MeshClient;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import javax.net.ssl.SSLSocket;

/** Requests without a pause: one caller keeps its connection, one dials for each. */
final class Traffic implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 60;

  private final MeshClient mesh;
  private final String destination;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger dials = new AtomicInteger();
  private final AtomicInteger failures = new AtomicInteger();
  private final AtomicReference<IOException> first = new AtomicReference<>();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition progress = lock.newCondition();
  private final Thread keeper = GreetingServer.thread("keeper", this::keepOne);
  private final Thread dialler = GreetingServer.thread("dialler", this::dialEach);
  private volatile boolean stopped;

  private Traffic(MeshClient mesh, String destination) {
    this.mesh = mesh;
    this.destination = destination;
  }

  static Traffic start(MeshClient mesh, String destination) {
    Traffic traffic = new Traffic(mesh, destination);
    traffic.keeper.start();
    traffic.dialler.start();
    return traffic;
  }

  private void keepOne() {
    try (SSLSocket socket = mesh.dial(destination)) {
      dials.incrementAndGet();
      while (!stopped) {
        request(socket);
      }
    } catch (IOException e) {
      failed(e);
    }
  }

  private void dialEach() {
    while (!stopped) {
      try (SSLSocket socket = mesh.dial(destination)) {
        dials.incrementAndGet();
        request(socket);
      } catch (IOException e) {
        failed(e);
      }
    }
  }

  private void request(SSLSocket socket) throws IOException {
    GreetingServer.ask(socket, "ping");
    requests.incrementAndGet();
    signal();
  }

  private void failed(IOException e) {
    first.compareAndSet(null, e);
    failures.incrementAndGet();
    signal();
  }

  private void signal() {
    lock.lock();
    try {
      progress.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void awaitRequests(int count) throws InterruptedException, IOException {
    lock.lock();
    try {
      long left = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      while (requests.get() < count && failures.get() == 0) {
        if (left <= 0) {
          throw new IOException("expected " + count + " requests, found " + requests.get());
        }
        left = progress.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  int requests() {
    return requests.get();
  }

  int dials() {
    return dials.get();
  }

  int failures() {
    return failures.get();
  }

  IOException firstFailure() {
    return first.get();
  }

  void stop() throws InterruptedException {
    stopped = true;
    keeper.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
    dialler.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
  }

  @Override
  public void close() {
    stopped = true;
  }
}
