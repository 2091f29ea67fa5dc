package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import java.util.Arrays;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A mesh connection as OkHttp's pool sees it. It says two things that the socket below does not
 * know.
 *
 * <ul>
 *   <li>Where ALPN agreed on nothing, and the destination's protocol is http2 or grpc, it reports
 *       {@code h2}: sidecars speak HTTP/2 without ALPN (reference consul.md §j).
 *   <li>A connection that is to get no new calls (its certificates grow old, or its endpoint is one
 *       of the destination no longer) looks half-closed. OkHttp asks that before each call that
 *       would take it from the pool, and before nothing else: what runs on it goes on, and it is
 *       closed when the last call has ended.
 * </ul>
 */
final class PooledSocket extends ForwardingSslSocket {
  private static final String HTTP_2 = "h2";

  private final SSLSocket socket;
  private final TokenSocket raw;
  private final MeshClient mesh;

  PooledSocket(SSLSocket socket, TokenSocket raw, MeshClient mesh) {
    super(socket);
    this.socket = socket;
    this.raw = raw;
    this.mesh = mesh;
  }

  /** OkHttp asks once, after the handshake. */
  @Override
  public @Nullable String getApplicationProtocol() {
    String agreed = socket.getApplicationProtocol();
    boolean assumed = agreed != null && agreed.isEmpty() && offersHttp2() && raw.speaksHttp2();
    return assumed ? HTTP_2 : agreed;
  }

  /** A WebSocket, or a client that was told to speak HTTP/1.1 only, does not. */
  private boolean offersHttp2() {
    String[] offered = socket.getSSLParameters().getApplicationProtocols();
    return offered != null && Arrays.asList(offered).contains(HTTP_2);
  }

  @Override
  public boolean isInputShutdown() {
    return super.isInputShutdown() || isRetired();
  }

  private boolean isRetired() {
    if (socket.isClosed()) {
      return true; // and its session may be nobody's any more
    }
    try {
      return !raw.isOffered() || mesh.isRetiring(socket.getSession());
    } catch (IllegalArgumentException e) {
      return true; // closed meanwhile
    }
  }
}
