package io.meshnative.grpc;

import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshnative.MeshClient;
import io.meshnative.consul.ConsulConfig;
import io.meshnative.discovery.Destination;
import io.meshnative.testkit.EmbeddedControlPlane;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A control plane, the server {@code db} in the mesh, and callers that use gRPC's own client. */
final class ServerWorld implements AutoCloseable {
  static final Duration GUARD = Duration.ofSeconds(60);
  static final Destination DB = Destination.parse("db");

  final EmbeddedControlPlane plane = EmbeddedControlPlane.start();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final Engine engine;

  ServerWorld(Engine engine) {
    this.engine = engine;
    open.push(plane);
  }

  <T extends AutoCloseable> T keep(T part) {
    open.push(part);
    return part;
  }

  MeshClient mesh(String service) throws Exception {
    return mesh(service, UnaryOperator.identity());
  }

  MeshClient mesh(String service, UnaryOperator<MeshClient.Builder> settings) throws Exception {
    MeshClient client =
        keep(
            settings
                .apply(
                    MeshClient.builder(service)
                        .consul(ConsulConfig.builder().address(plane.httpAddr()).build())
                        .tlsProvider(engine.provider()))
                .build());
    client.awaitReady(GUARD);
    return client;
  }

  Server serve(MeshClient mesh, ServerServiceDefinition... services) throws Exception {
    return serve(
        mesh,
        builder -> {
          for (ServerServiceDefinition service : services) {
            builder.addService(service);
          }
          return builder;
        });
  }

  Server serve(MeshClient mesh, UnaryOperator<MeshServerBuilder> settings) throws Exception {
    return start(settings.apply(MeshServerBuilder.forPort(0, mesh)).build());
  }

  Server start(Server server) throws Exception {
    server.start();
    keep(() -> {
      server.shutdownNow();
      if (!server.awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("expected the server to end, found it running");
      }
    });
    return server;
  }

  /** A channel of gRPC's own to a server, over the engines of a mesh client. */
  ManagedChannel channel(MeshClient caller, Server server, String... tlsVersions) {
    return channel(server, PlainTls.over(caller.clientContext(DB), tlsVersions));
  }

  /** A channel of gRPC's own to a server, with a leaf of this service and gRPC's own engine. */
  ManagedChannel stranger(String service, Server server) throws Exception {
    return channel(
        server, PlainTls.of(plane, plane.caIssue(service), SslProvider.OPENSSL, "TLSv1.3"));
  }

  /** As above, with an authority of its own. */
  ManagedChannel stranger(String service, Server server, String authority) throws Exception {
    return keep(
        plain(server, PlainTls.of(plane, plane.caIssue(service), SslProvider.OPENSSL, "TLSv1.3"))
            .overrideAuthority(authority)
            .build());
  }

  ManagedChannel channel(Server server, SslContext tls) {
    return keep(plain(server, tls).build());
  }

  private static NettyChannelBuilder plain(Server server, SslContext tls) {
    return NettyChannelBuilder.forAddress("127.0.0.1", server.getPort())
        .flowControlWindow(64 * 1024)
        .sslContext(tls);
  }

  /** Ends a channel when the world ends. */
  ManagedChannel keep(ManagedChannel channel) {
    keep(
        (AutoCloseable)
            () -> {
              channel.shutdownNow();
              if (!channel.awaitTermination(GUARD.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("expected the channel to end, found it open");
              }
            });
    return channel;
  }

  @Override
  public void close() throws Exception {
    Throwable failure = null;
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception | AssertionError e) {
        if (failure == null) {
          failure = e;
        }
      }
    }
    if (failure != null) {
      throw new AssertionError("expected everything to end in order", failure);
    }
  }
}
