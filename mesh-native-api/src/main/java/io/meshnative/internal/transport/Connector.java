package io.meshnative.internal.transport;

import java.io.IOException;
import java.net.SocketAddress;

/** Reaches the destination of a deferred {@link MeshSocket}: endpoint, TCP, handshake, check. */
@FunctionalInterface
public interface Connector {

  /**
   * Connects.
   *
   * @param requested the address that the caller of {@code connect} gave; a destination's sockets
   *     ignore it
   * @param timeoutMillis for everything together; 0 means the options' default, never for ever
   * @param preparer must see every raw socket before it connects, as {@link RawSockets#open} does:
   *     it applies the caller's options, and lets {@code close()} end the attempt
   * @return a channel whose handshake is done
   * @throws IOException if there is no endpoint, or none can be reached, or it is the wrong one
   */
  TlsChannel connect(SocketAddress requested, int timeoutMillis, SocketPreparer preparer)
      throws IOException;
}
