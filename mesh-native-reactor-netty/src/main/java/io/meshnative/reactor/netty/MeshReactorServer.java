package io.meshnative.reactor.netty;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import java.util.Objects;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerConfig;
import reactor.netty.tcp.SslProvider;

/**
 * Makes HTTP servers of Reactor Netty members of the mesh: mutual TLS with the service's identity,
 * and intentions down to methods, paths and headers.
 *
 * <pre>{@code
 * MeshReactorServer mesh = new MeshReactorServer(client);
 * DisposableServer server =
 *     mesh.secure(HttpServer.create().port(9443).handle((request, response) -> ...)).bindNow();
 * }</pre>
 *
 * <p><b>What sees every request.</b> Routes, handlers, observers and handlers of the pipeline are
 * the application's, and their order is, too. So requests are judged below all of them: directly
 * behind Netty's codec, before Reactor Netty itself has made anything of a request. The path that
 * was judged is the target that everything above is given. No byte that was decrypted leaves TLS
 * unless the judgement stands there at that very moment; where another handler has come in between,
 * the connection ends. So the gate (see {@link RequestGate}) may be armed when the server is bound,
 * after it was looked up that its TLS is this one, and binding fails otherwise. It is disarmed when
 * the last of the servers has been unbound.
 *
 * <p>Who calls is told by {@link MeshPeers}. Headers by which callers could claim an identity are
 * taken out. When a right is withdrawn, running requests end: the transport is closed (HTTP/1.1,
 * WebSocket) or the stream is reset (HTTP/2). Connections whose certificates grow old are asked to
 * end: {@code Connection: close}, or {@code GOAWAY}.
 *
 * <p>Which protocol a connection speaks is decided by its first bytes, because there are peers
 * whose ALPN does not tell. There is no HTTP/2 in plain text, no upgrade to it, no {@code CONNECT}
 * (WebSockets are served over HTTP/1.1) and no {@code OPTIONS *}. Pipelined requests are judged one
 * after the other, each when the response before it has ended. Nothing here blocks an event loop.
 *
 * <p>Thread-safe.
 */
public final class MeshReactorServer {
  private final MeshClient mesh;
  private final RequestGate gate;
  private final Bindings bindings;

  /**
   * Prepares to serve.
   *
   * @param mesh whose identity the servers have; must stay open as long as they run
   */
  public MeshReactorServer(MeshClient mesh) {
    this.mesh = Objects.requireNonNull(mesh, "mesh");
    this.gate = mesh.requestGate();
    this.bindings = new Bindings(gate);
  }

  /**
   * Makes a server one of the mesh that speaks HTTP/1.1 and HTTP/2.
   *
   * @param server the server with all its settings but TLS and protocols
   * @return the server to bind
   */
  public HttpServer secure(HttpServer server) {
    return secure(server, HttpProtocol.HTTP11, HttpProtocol.H2);
  }

  /**
   * Makes a server one of the mesh. Its TLS and its protocols are replaced; its other settings stay
   * and may be changed afterwards.
   *
   * @param server the server
   * @param protocols {@link HttpProtocol#HTTP11}, or {@link HttpProtocol#H2} and it
   * @return the server to bind
   * @throws IllegalArgumentException if there are other protocols among them
   */
  public HttpServer secure(HttpServer server, HttpProtocol... protocols) {
    Objects.requireNonNull(server, "server");
    boolean http1 = false;
    for (HttpProtocol protocol : protocols) {
      if (protocol != HttpProtocol.HTTP11 && protocol != HttpProtocol.H2) {
        throw new IllegalArgumentException(
            "expected the protocols HTTP11 and H2, found " + protocol);
      }
      http1 |= protocol == HttpProtocol.HTTP11;
    }
    if (!http1) {
      throw new IllegalArgumentException(
          "expected HTTP11 among the protocols: sidecars speak it unless they are told otherwise");
    }
    MeshTlsContext tls = new MeshTlsContext(mesh, gate);
    return server
        .secure(SslProvider.builder().sslContext(tls).build())
        .protocol(protocols.clone())
        .doOnBind(config -> prove(config, tls))
        .doOnUnbound(unbound -> bindings.unbound());
  }

  /**
   * Tells whether requests are being judged.
   *
   * @return true from before a server is bound until the last one is not any more
   */
  public boolean isArmed() {
    return bindings.isArmed();
  }

  /** The last look before the first connection: what others have changed since, counts. */
  private void prove(HttpServerConfig config, MeshTlsContext tls) {
    SslProvider provider = config.sslProvider();
    if (provider == null || provider.getSslContext() != tls) {
      throw new IllegalStateException(
          "expected the TLS of the mesh on the server, found "
              + (provider == null ? "none" : "another")
              + "; secure() of the mesh comes after whatever else sets TLS");
    }
    tls.idleTimeout(config.idleTimeout());
    bindings.binding();
  }
}
