package io.meshnative.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.meshnative.ListenOptions;
import io.meshnative.MeshClient;
import io.meshnative.MeshServerSocket;
import io.meshnative.NoEndpointException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;

/**
 * What goes on while a control plane is in trouble: a caller that is allowed sends requests on a
 * connection that it keeps and on new ones, and one that is not tries again and again.
 *
 * <p>The two say different bytes, so that the application can tell whether it ever heard the one
 * that it must not.
 */
final class SteadyTraffic implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(10);
  private static final int ALLOWED = '!';
  private static final int DENIED = '#';

  private final MeshClient caller;
  private final MeshClient intruder;
  private final String callee;
  private final MeshServerSocket server;
  private final AtomicLong kept = new AtomicLong();
  private final AtomicLong dialled = new AtomicLong();
  private final AtomicLong attempts = new AtomicLong();
  private final AtomicLong intrusions = new AtomicLong();
  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final Set<SSLSocket> open = ConcurrentHashMap.newKeySet();
  private volatile boolean over;
  private CompletableFuture<Void> lanes = CompletableFuture.completedFuture(null);

  private SteadyTraffic(
      MeshClient caller, MeshClient intruder, String callee, MeshServerSocket server) {
    this.caller = caller;
    this.intruder = intruder;
    this.callee = callee;
    this.server = server;
  }

  /** Begins once both callers have found the callee; it listens here. */
  static SteadyTraffic start(MeshClient caller, MeshClient intruder, MeshClient callee)
      throws IOException {
    MeshServerSocket server = callee.listen(Cast.loopback(), ListenOptions.defaults());
    SteadyTraffic traffic = new SteadyTraffic(caller, intruder, callee.service(), server);
    CompletableFuture<Void> serving = Background.run(traffic::accept);
    Cast.awaitEndpoint(caller, callee.service());
    Cast.awaitEndpoint(intruder, callee.service());
    SSLSocket first = caller.dial(callee.service());
    traffic.lanes =
        CompletableFuture.allOf(
            serving,
            Background.run(() -> traffic.keep(first)),
            Background.run(traffic::dial),
            Background.run(traffic::intrude));
    traffic.awaitProgress();
    return traffic;
  }

  // ---- the application ----

  private void accept() {
    while (!over) {
      try {
        SSLSocket socket = server.accept();
        open.add(socket);
        CompletableFuture<Void> unused = Background.run(() -> echo(socket));
      } catch (IOException e) {
        if (!over) {
          failures.add(e);
        }
      }
    }
  }

  private void echo(SSLSocket socket) {
    try (socket) {
      InputStream in = socket.getInputStream();
      OutputStream out = socket.getOutputStream();
      for (int heard = in.read(); heard >= 0; heard = in.read()) {
        if (heard != ALLOWED) {
          intrusions.incrementAndGet();
        }
        out.write(heard);
      }
    } catch (IOException e) {
      // Cut, or gone: its caller says whether that was right.
    } finally {
      open.remove(socket);
    }
  }

  // ---- the callers ----

  private static void ask(SSLSocket socket, int what) throws IOException {
    socket.getOutputStream().write(what);
    int answer = socket.getInputStream().read();
    if (answer != what) {
      throw new IOException("expected the byte back, found " + answer);
    }
  }

  private void keep(SSLSocket first) {
    try (SSLSocket socket = first) {
      socket.setSoTimeout((int) Cast.GUARD.toMillis());
      while (!over) {
        ask(socket, ALLOWED);
        kept.incrementAndGet();
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    } catch (IOException | RuntimeException e) {
      failures.add(e);
    }
  }

  private void dial() {
    while (!over) {
      try (SSLSocket socket = caller.dial(callee)) {
        socket.setSoTimeout((int) Cast.GUARD.toMillis());
        ask(socket, ALLOWED);
        dialled.incrementAndGet();
      } catch (IOException | RuntimeException e) {
        failures.add(e);
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private void intrude() {
    while (!over) {
      try (SSLSocket socket = intruder.dial(callee)) {
        socket.setSoTimeout((int) Cast.GUARD.toMillis());
        ask(socket, DENIED);
        intrusions.incrementAndGet();
      } catch (NoEndpointException e) {
        failures.add(e); // it must not go easy on the callee
      } catch (IOException | RuntimeException e) {
        attempts.incrementAndGet(); // refused, as it should be
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  // ---- what a test asks ----

  /** Waits until each of the three has done several things more, whatever is wrong meanwhile. */
  void awaitProgress() {
    long keptBefore = kept.get();
    long dialledBefore = dialled.get();
    long attemptsBefore = attempts.get();
    Awaitility.await("requests go on")
        .atMost(Cast.GUARD)
        .until(() -> {
          assertUntroubled();
          return kept.get() >= keptBefore + 10
              && dialled.get() >= dialledBefore + 5
              && attempts.get() >= attemptsBefore + 3;
        });
  }

  /** No request has failed, and nothing was heard of the intruder. */
  void assertUntroubled() {
    assertThat(failures).as("failed requests").isEmpty();
    assertNobodyIntruded();
  }

  void assertNobodyIntruded() {
    assertThat(intrusions).as("bytes of a caller that is denied").hasValue(0);
  }

  /** What failed so far, taken off the list; for tests that expect it. */
  Queue<Throwable> takeFailures() {
    Queue<Throwable> taken = new ConcurrentLinkedQueue<>();
    for (Throwable one = failures.poll(); one != null; one = failures.poll()) {
      taken.add(one);
    }
    return taken;
  }

  /** New connections that carried a request there and back. */
  long dialled() {
    return dialled.get();
  }

  @Override
  public String toString() {
    return kept
        + " requests on a kept connection, "
        + dialled
        + " on new ones, "
        + attempts
        + " refused";
  }

  @Override
  public void close() throws IOException {
    over = true;
    server.close();
    for (SSLSocket socket : open) {
      socket.close();
    }
    lanes.join();
  }
}
