package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSessionContext;

/**
 * Mesh TLS for gRPC's transport: each connection gets an engine of the mesh client, made in the
 * newest trust epoch for the one service that the connection's authority stands for. The engine
 * does the check after the handshake by itself, so no byte of a call leaves before it.
 */
final class ClientTls extends SslContext {
  private static final String H2 = "h2";

  /**
   * What a finished handshake may show. The engines offer h2 and nothing else, so a peer agrees to
   * it or says nothing; null stands for that, since a peer without ALPN at this port is taken at
   * the catalog's word that it speaks gRPC.
   */
  private static final List<String> AGREED = Collections.unmodifiableList(Arrays.asList(H2, null));

  private final MeshBinding binding;

  ClientTls(MeshBinding binding) {
    this.binding = binding;
  }

  @Override
  public boolean isClient() {
    return true;
  }

  @Override
  public List<String> cipherSuites() {
    return List.of(
        binding
            .mesh()
            .clientContext(binding.destination())
            .getDefaultSSLParameters()
            .getCipherSuites());
  }

  @Override
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return () -> AGREED;
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    throw new UnsupportedOperationException(
        "expected an authority that says whom to expect, found none; nothing is sent");
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String host, int port) {
    SSLEngine engine = binding.engine(host);
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setApplicationProtocols(new String[] {H2});
    engine.setSSLParameters(parameters);
    return new NettyEngine(engine);
  }

  @Override
  public SSLSessionContext sessionContext() {
    return binding.mesh().clientContext(binding.destination()).getClientSessionContext();
  }
}
