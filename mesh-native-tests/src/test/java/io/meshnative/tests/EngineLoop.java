package io.meshnative.tests;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;

/**
 * Two engines back to back, as a server's own event loop drives them: nothing but wrap, unwrap and
 * tasks.
 */
final class EngineLoop {
  private static final int SIZE = 64 * 1024;
  private static final int MOST_STEPS = 1000;

  private final SSLEngine client;
  private final SSLEngine server;
  private final ByteBuffer toServer = ByteBuffer.allocate(SIZE);
  private final ByteBuffer toClient = ByteBuffer.allocate(SIZE);

  EngineLoop(SSLEngine client, SSLEngine server) {
    this.client = client;
    this.server = server;
  }

  SSLEngine client() {
    return client;
  }

  SSLEngine server() {
    return server;
  }

  /**
   * Shakes hands, and goes on until nothing moves any more: late tickets and refusals have then
   * arrived.
   */
  EngineLoop handshake() throws SSLException {
    client.beginHandshake();
    server.beginHandshake();
    int still = 0;
    for (int i = 0; i < MOST_STEPS && still < 3; i++) {
      boolean moved = step(client, toServer, toClient);
      moved |= step(server, toClient, toServer);
      still = moved || shakes(client) || shakes(server) ? 0 : still + 1;
    }
    return this;
  }

  private static boolean shakes(SSLEngine engine) {
    return engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING;
  }

  private static boolean step(SSLEngine engine, ByteBuffer out, ByteBuffer in) throws SSLException {
    boolean moved = false;
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
      moved = true;
    }
    if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP) {
      SSLEngineResult result = engine.wrap(ByteBuffer.allocate(0), out);
      moved |= result.bytesProduced() > 0;
    }
    in.flip();
    try {
      if (in.hasRemaining()) {
        ByteBuffer early = ByteBuffer.allocate(SIZE);
        SSLEngineResult result = engine.unwrap(in, early);
        moved |= result.bytesConsumed() > 0;
        if (early.position() > 0) {
          throw new IllegalStateException(
              "expected no application data, found " + early.position() + " bytes");
        }
      }
    } finally {
      in.compact();
    }
    return moved;
  }

  /** Carries a text from the client to the server. */
  String send(String text) throws SSLException {
    return carry(client, server, toServer, text);
  }

  /** Carries a text from the server to the client. */
  String answer(String text) throws SSLException {
    return carry(server, client, toClient, text);
  }

  private static String carry(SSLEngine from, SSLEngine to, ByteBuffer wire, String text)
      throws SSLException {
    ByteBuffer plain = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (plain.hasRemaining()) {
      if (from.wrap(plain, wire).bytesConsumed() == 0) {
        throw new IllegalStateException("expected a record of the text, found none");
      }
    }
    ByteBuffer got = ByteBuffer.allocate(SIZE);
    wire.flip();
    while (wire.hasRemaining()) {
      SSLEngineResult result = to.unwrap(wire, got);
      if (result.bytesConsumed() == 0 && result.bytesProduced() == 0) {
        break;
      }
    }
    wire.compact();
    got.flip();
    return StandardCharsets.UTF_8.decode(got).toString();
  }

  /** Frees what native engines hold. */
  void end() throws SSLException {
    for (SSLEngine engine : new SSLEngine[] {client, server}) {
      engine.closeOutbound();
      try {
        engine.closeInbound();
      } catch (SSLException e) {
        // No close_notify was exchanged: that is not what these tests are about.
      }
    }
  }
}
