package io.meshnative.reactor.netty;

import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * The end of an engine whose transport is closed, in whatever state Netty has left it. An engine
 * with an open side would be taken for a live connection until the collector finds it.
 */
final class EngineEnd {
  private EngineEnd() {}

  static void of(SSLEngine engine) {
    engine.closeOutbound();
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
