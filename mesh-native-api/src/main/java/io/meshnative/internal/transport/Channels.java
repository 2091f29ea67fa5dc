package io.meshnative.internal.transport;

import io.meshnative.internal.tls.MeshEngine;
import java.io.IOException;

/**
 * Puts channels over engines: from then on the one ends the other, and before that nothing leaks.
 */
final class Channels {
  /** What may fail between an engine and its channel. */
  interface Making {
    TlsChannel over(MeshEngine engine) throws IOException;
  }

  private Channels() {}

  /** Makes the channel; an engine that gets none is discarded. */
  static TlsChannel over(MeshEngine engine, Making making) throws IOException {
    boolean made = false;
    try {
      TlsChannel channel = making.over(engine);
      made = true;
      engine.onCut(channel::abort);
      return channel;
    } finally {
      if (!made) {
        engine.discard();
      }
    }
  }
}
