package io.meshnative.grpc;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import java.io.IOException;
import java.net.SocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * gRPC's server, with the gate that its interceptor has opened and the event loops that it owns.
 */
final class MeshServer extends Server {
  private final Server server;
  private final MeshClient mesh;
  private final RequestGate gate;
  private final ServerTransport transport;
  private final CallerConnections connections;

  MeshServer(
      Server server,
      MeshClient mesh,
      RequestGate gate,
      ServerTransport transport,
      CallerConnections connections) {
    this.server = server;
    this.mesh = mesh;
    this.gate = gate;
    this.transport = transport;
    this.connections = connections;
  }

  @Override
  public Server start() throws IOException {
    gate.arm(); // the interceptor is in place, and sees every call
    connections.start(transport::end);
    try {
      server.start();
    } catch (IOException | RuntimeException e) {
      server.shutdownNow();
      transport.end();
      throw e;
    }
    connections.untilEnded(mesh.onLeaving(server::shutdown));
    if (server.getPort() > 0) { // a Unix socket has none, and no place in the catalog
      mesh.listening(server.getPort());
    }
    return this;
  }

  @Override
  public Server shutdown() {
    server.shutdown();
    return this;
  }

  @Override
  public Server shutdownNow() {
    server.shutdownNow();
    return this;
  }

  @Override
  public int getPort() {
    return server.getPort();
  }

  @Override
  public List<? extends SocketAddress> getListenSockets() {
    return server.getListenSockets();
  }

  @Override
  public List<ServerServiceDefinition> getServices() {
    return server.getServices();
  }

  @Override
  public List<ServerServiceDefinition> getImmutableServices() {
    return server.getImmutableServices();
  }

  @Override
  public List<ServerServiceDefinition> getMutableServices() {
    return server.getMutableServices();
  }

  @Override
  public boolean isShutdown() {
    return server.isShutdown();
  }

  @Override
  public boolean isTerminated() {
    return server.isTerminated();
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return server.awaitTermination(timeout, unit);
  }

  @Override
  public void awaitTermination() throws InterruptedException {
    server.awaitTermination();
  }

  @Override
  public String toString() {
    return "MeshServer[" + server + "]";
  }
}
