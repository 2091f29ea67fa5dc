package io.meshnative.reactor.netty;

import java.nio.ByteBuffer;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * The end of an engine whose transport is closed. Netty leaves its last record unwrapped and its
 * inbound side open, so that the mesh would take the connection for a live one until the collector
 * finds it, and the engine's native memory would stay as long.
 */
final class EngineEnd {
  private static final int MAX_LAST_RECORDS = 64;

  private EngineEnd() {}

  static void of(SSLEngine engine) {
    try {
      engine.closeOutbound();
      ByteBuffer scratch = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
      for (int record = 0; record < MAX_LAST_RECORDS && !engine.isOutboundDone(); record++) {
        if (engine.wrap(ByteBuffer.allocate(0), scratch.clear()).bytesProduced() == 0) {
          break;
        }
      }
    } catch (SSLException | RuntimeException e) {
      // One that was cut says nothing more; it is done then.
    }
    try {
      engine.closeInbound();
    } catch (SSLException | RuntimeException e) {
      // It never heard its peer's close_notify, or it was cut.
    }
    if (engine.isInboundDone() && engine.isOutboundDone()) {
      return; // asking is what tells the mesh
    }
  }
}
