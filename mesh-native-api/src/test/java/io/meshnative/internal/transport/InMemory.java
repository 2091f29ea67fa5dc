package io.meshnative.internal.transport;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;

/** Two engines and no network between them. */
final class InMemory {
  private InMemory() {}

  /** Returns when both are done; throws what the first engine that refuses throws. */
  static void shakeHands(SSLEngine client, SSLEngine server) throws SSLException {
    ByteBuffer toServer = ByteBuffer.allocate(64 * 1024).flip();
    ByteBuffer toClient = ByteBuffer.allocate(64 * 1024).flip();
    client.beginHandshake();
    server.beginHandshake();
    for (int step = 0; step < 100; step++) {
      step(client, toClient, toServer);
      step(server, toServer, toClient);
    }
  }

  private static void step(SSLEngine engine, ByteBuffer from, ByteBuffer to) throws SSLException {
    switch (engine.getHandshakeStatus()) {
      case NEED_TASK -> {
        for (Runnable task = engine.getDelegatedTask();
            task != null;
            task = engine.getDelegatedTask()) {
          task.run();
        }
      }
      case NEED_WRAP -> {
        to.compact();
        SSLEngineResult ignored = engine.wrap(ByteBuffer.allocate(0), to);
        to.flip();
      }
      default -> {
        if (from.hasRemaining()) {
          SSLEngineResult ignored = engine.unwrap(from, ByteBuffer.allocate(64 * 1024));
        }
      }
    }
  }
}
