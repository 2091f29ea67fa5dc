package io.meshnative.internal.transport;

import io.meshnative.MeshNotReadyException;
import java.net.Socket;
import java.net.SocketException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Connections on their way: made by the client, and in no registry of live ones before their
 * handshake is done. Whoever closes the client ends them here, and afterwards none begins.
 */
public final class Openings implements AutoCloseable {
  private final Set<Socket> connecting = ConcurrentHashMap.newKeySet();
  private final Set<TlsChannel> shaking = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /** Entered first and looked at second: a close in between is seen by one of the two. */
  void begin(Socket raw) throws SocketException {
    connecting.add(raw);
    if (closed) {
      connecting.remove(raw);
      throw new SocketException("the mesh client is closed");
    }
  }

  void end(Socket raw) {
    connecting.remove(raw);
  }

  void begin(TlsChannel channel) throws MeshNotReadyException {
    shaking.add(channel);
    if (closed) {
      shaking.remove(channel);
      throw closedClient();
    }
  }

  void end(TlsChannel channel) {
    shaking.remove(channel);
  }

  private static MeshNotReadyException closedClient() {
    return new MeshNotReadyException(
        "the mesh client was closed before the handshake was done", null);
  }

  @Override
  public void close() {
    closed = true;
    connecting.forEach(RawSockets::closeQuietly);
    shaking.forEach(channel -> channel.abort(closedClient()));
  }
}
