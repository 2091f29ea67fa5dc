package io.meshnative.reactor.netty;

import io.meshnative.MeshPeer;
import io.netty.channel.Channel;
import java.util.Objects;
import java.util.Optional;
import reactor.netty.Connection;
import reactor.netty.http.server.HttpServerRequest;

/**
 * Who calls a server of Reactor Netty.
 *
 * <pre>{@code
 * server.handle((request, response) -> {
 *   MeshPeer caller = MeshPeers.of(request).orElseThrow();
 *   return response.sendString(Mono.just("hello " + caller.service().service()));
 * });
 * }</pre>
 */
public final class MeshPeers {
  private MeshPeers() {}

  /**
   * Tells who has made a request.
   *
   * @param request the request, as Reactor Netty gives it
   * @return the peer; empty if the request did not come through the mesh
   */
  public static Optional<MeshPeer> of(HttpServerRequest request) {
    Objects.requireNonNull(request, "request");
    return request instanceof Connection connection ? of(connection.channel()) : Optional.empty();
  }

  /** A stream of HTTP/2 is a channel of its own, above that of the connection. */
  private static Optional<MeshPeer> of(Channel channel) {
    for (Channel at = channel; at != null; at = at.parent()) {
      MeshTls tls = at.pipeline().get(MeshTls.class);
      if (tls != null) {
        return Optional.ofNullable(tls.peer());
      }
    }
    return Optional.empty();
  }
}
