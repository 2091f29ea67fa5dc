package io.meshnative.grpc;

import io.grpc.BinaryLog;
import io.grpc.ForwardingServerBuilder;
import io.grpc.HandlerRegistry;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import java.io.File;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * Builds gRPC servers in the mesh.
 *
 * <pre>{@code
 * Server server = MeshServerBuilder.forPort(9443, mesh)
 *     .addService(new OrderService())
 *     .build()
 *     .start();
 * }</pre>
 *
 * <p>Callers prove who they are by mutual TLS, whose identity follows the control plane's while the
 * server runs. Whom an intention denies is refused in the handshake. Of all others each call is
 * decided by the intentions, with layer-7 permissions as Consul's sidecars apply them: the path is
 * {@code /package.Service/Method}, the method {@code POST}, the headers are the metadata. That goes
 * for calls of methods that do not exist too, and for health checks and reflection. A call that is
 * denied ends with {@code PERMISSION_DENIED} and {@link MeshGrpc#REFUSAL}; one whose metadata has a
 * second reading (see {@link io.meshnative.intention.HttpRequestView}), with {@code INTERNAL}.
 *
 * <p>The decision comes before every interceptor, of the server or of a service. Stream tracers,
 * executor suppliers and fallback registries are asked by gRPC before it: they see calls that are
 * refused afterwards, though not what callers say about their own identity.
 *
 * <p>When a right is withdrawn, running calls end with {@code PERMISSION_DENIED}, or by a reset
 * where their caller does not read; connections are closed.
 *
 * <p>Not thread-safe. The server is.
 */
public final class MeshServerBuilder extends ForwardingServerBuilder<MeshServerBuilder> {
  private static final int MAX_RESETS = 3_000;
  private static final int RESET_WINDOW_SECONDS = 30;

  private final MeshClient mesh;
  private final RequestGate gate;
  private final CallerConnections connections;
  private final ServerTransport transport;
  private final NettyServerBuilder server;
  private @Nullable HandlerRegistry fallback;
  private boolean built;

  private MeshServerBuilder(SocketAddress address, MeshClient mesh) {
    this.mesh = mesh;
    this.gate = mesh.requestGate();
    this.connections = new CallerConnections(mesh);
    this.transport = ServerTransport.at(address, mesh.service(), connections::watch);
    this.server =
        NettyServerBuilder.forAddress(transport.address())
            .channelFactory(transport.channels())
            .bossEventLoopGroup(transport.acceptor())
            .workerEventLoopGroup(transport.workers())
            .sslContext(new EpochTls(mesh.serverContext(gate)))
            .maxRstFramesPerWindow(MAX_RESETS, RESET_WINDOW_SECONDS)
            .addTransportFilter(connections.filter())
            .addStreamTracerFactory(new CallStream.Factory(connections.streams()));
  }

  /**
   * Starts a builder of a server that listens on all local addresses.
   *
   * @param port the port; 0 for one that is free
   * @param mesh whose identity and intentions; need not be ready yet, and is not closed by the
   *     server
   * @return the builder
   */
  public static MeshServerBuilder forPort(int port, MeshClient mesh) {
    return forAddress(new InetSocketAddress(port), mesh);
  }

  /**
   * Starts a builder.
   *
   * @param address where to listen; a {@link java.net.UnixDomainSocketAddress} too
   * @param mesh whose identity and intentions; need not be ready yet, and is not closed by the
   *     server
   * @return the builder
   */
  public static MeshServerBuilder forAddress(SocketAddress address, MeshClient mesh) {
    return new MeshServerBuilder(address, mesh);
  }

  @Override
  protected ServerBuilder<?> delegate() {
    return server;
  }

  /**
   * Limits how often a caller may cancel calls on one connection, which costs it nothing and the
   * server much (CVE-2023-44487). A connection that goes beyond is closed.
   *
   * @param resets how many, in each window; 3,000 unless set, {@link Integer#MAX_VALUE} for no
   *     limit
   * @param seconds the window; 30 unless set
   * @return this
   */
  public MeshServerBuilder maxRstFramesPerWindow(int resets, int seconds) {
    server.maxRstFramesPerWindow(resets, seconds);
    return this;
  }

  /**
   * Limits the calls that run on one connection at a time; callers wait with more.
   *
   * @param calls how many; no limit unless set
   * @return this
   */
  public MeshServerBuilder maxConcurrentCallsPerConnection(int calls) {
    server.maxConcurrentCallsPerConnection(calls);
    return this;
  }

  /**
   * Sets the window of a stream and of the connection, and turns its automatic growth off.
   *
   * @param bytes how much a caller may send before the application has read it
   * @return this
   */
  public MeshServerBuilder flowControlWindow(int bytes) {
    server.flowControlWindow(bytes);
    return this;
  }

  /**
   * {@inheritDoc}
   *
   * <p>The registry is asked before the decision, as gRPC does: it must do nothing but look. What
   * it finds is judged under the name that the caller sent.
   */
  @Override
  public MeshServerBuilder fallbackHandlerRegistry(@Nullable HandlerRegistry registry) {
    fallback = registry;
    return this;
  }

  /**
   * Refused: a binary log stands before the decision and may answer in its place.
   *
   * @throws UnsupportedOperationException unless it is null
   */
  @Override
  public MeshServerBuilder setBinaryLog(@Nullable BinaryLog log) {
    if (log != null) {
      throw new UnsupportedOperationException(
          "expected no binary log, since it would see and could answer calls before they are"
              + " decided; log in an interceptor");
    }
    return this;
  }

  /**
   * Refused: the identity is the mesh's.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshServerBuilder useTransportSecurity(File chain, File key) {
    throw ownSecurity();
  }

  /**
   * Refused: the identity is the mesh's.
   *
   * @throws UnsupportedOperationException always
   */
  @Override
  public MeshServerBuilder useTransportSecurity(InputStream chain, InputStream key) {
    throw ownSecurity();
  }

  private static UnsupportedOperationException ownSecurity() {
    return new UnsupportedOperationException(
        "expected no certificate of the application's: the server's identity is the mesh client's");
  }

  /**
   * Makes the server. Once: what decides over calls has to be the last thing that it is given.
   *
   * @return a server that is not started
   * @throws IllegalStateException if called again
   */
  @Override
  public Server build() {
    if (built) {
      throw new IllegalStateException("expected one server a builder, found a second build()");
    }
    built = true;
    server.fallbackHandlerRegistry(new FallbackMethods(fallback));
    server.intercept(new CallGate(mesh, connections)); // gRPC calls the last one first
    return new MeshServer(server.build(), mesh, gate, transport, connections);
  }
}
