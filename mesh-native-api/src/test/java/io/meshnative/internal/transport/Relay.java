package io.meshnative.internal.transport;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.concurrent.Semaphore;

/**
 * Passes bytes from one TCP connection to another: as they come, or one by one, or as many as are
 * let.
 */
final class Relay implements Runnable {
  private final Socket from;
  private final Socket to;
  private final Semaphore allowed = new Semaphore(0);
  private volatile boolean metered;
  private volatile boolean dripping;

  Relay(Socket from, Socket to) {
    this.from = from;
    this.to = to;
  }

  void drip() {
    dripping = true;
  }

  /** From now on only bytes that are let. */
  void meter() {
    allowed.drainPermits();
    metered = true;
  }

  void let(int bytes) {
    allowed.release(bytes);
  }

  /** Waits until what was let has gone, and more would go if it were let. */
  void awaitLet() {
    await().atMost(Duration.ofSeconds(60)).until(allowed::hasQueuedThreads);
  }

  void letAll() {
    metered = false;
    allowed.release(1 << 28);
  }

  @Override
  public void run() {
    byte[] buffer = new byte[8192];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int got = in.read(buffer); got >= 0; got = in.read(buffer)) {
        if (!dripping && !metered) {
          out.write(buffer, 0, got);
          continue;
        }
        for (int i = 0; i < got; i++) {
          if (metered) {
            allowed.acquire();
          }
          out.write(buffer[i]);
        }
      }
      to.shutdownOutput();
    } catch (IOException | InterruptedException e) {
      close();
    }
  }

  static void copyPlainly(Socket from, Socket to) {
    try {
      from.getInputStream().transferTo(to.getOutputStream());
      to.shutdownOutput();
    } catch (IOException e) {
      RawSockets.closeQuietly(from);
      RawSockets.closeQuietly(to);
    }
  }

  void close() {
    RawSockets.closeQuietly(from);
    RawSockets.closeQuietly(to);
  }
}
