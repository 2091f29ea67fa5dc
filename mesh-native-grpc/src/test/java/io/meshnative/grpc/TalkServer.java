package io.meshnative.grpc;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/** gRPC's own server, over engines of a context. */
final class TalkServer implements AutoCloseable {
  final Server server;

  TalkServer(SSLContext tls, boolean alpn, ServerServiceDefinition... services) throws IOException {
    this(tls, List.of("TLSv1.3", "TLSv1.2"), alpn, services);
  }

  TalkServer(
      SSLContext tls, List<String> versions, boolean alpn, ServerServiceDefinition... services)
      throws IOException {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
            .sslContext(new Engines(tls, versions, alpn));
    for (ServerServiceDefinition service : services) {
      builder.addService(service);
    }
    server = builder.build().start();
  }

  int port() {
    return server.getPort();
  }

  @Override
  public void close() throws InterruptedException {
    server.shutdownNow();
    server.awaitTermination(60, TimeUnit.SECONDS);
  }

  private static final class Engines extends SslContext {
    private final SSLContext tls;
    private final List<String> versions;
    private final boolean alpn;

    Engines(SSLContext tls, List<String> versions, boolean alpn) {
      this.tls = tls;
      this.versions = versions;
      this.alpn = alpn;
    }

    @Override
    public boolean isClient() {
      return false;
    }

    @Override
    public List<String> cipherSuites() {
      return List.of();
    }

    @Override
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
      return () -> Arrays.asList("h2", null);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
      SSLEngine engine = tls.createSSLEngine();
      engine.setUseClientMode(false);
      engine.setNeedClientAuth(true);
      engine.setEnabledProtocols(versions.toArray(new String[0]));
      if (alpn) {
        engine.setHandshakeApplicationProtocolSelector((made, offered) -> {
          if (!offered.equals(List.of("h2"))) {
            throw new AssertionError("expected h2 to be offered, found " + offered);
          }
          return "h2";
        });
      }
      return new NettyEngine(engine);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String host, int port) {
      return newEngine(allocator);
    }

    @Override
    public SSLSessionContext sessionContext() {
      return tls.getServerSessionContext();
    }
  }
}
