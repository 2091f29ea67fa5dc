package io.meshnative.reactor.netty;

import io.meshnative.MeshClient;
import io.meshnative.RequestGate;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/**
 * The mesh's TLS as Netty takes it. The context behind it is always the same object and makes each
 * engine in the newest trust epoch; this one holds no key, no session and no native memory.
 */
final class MeshTlsContext extends SslContext {
  private static final List<String> PROTOCOLS = List.of("h2", "http/1.1");

  private final MeshClient mesh;
  private final RequestJudge judge;
  private final SSLContext context;
  private volatile @Nullable Duration idleTimeout;

  MeshTlsContext(MeshClient mesh, RequestGate gate) {
    this.mesh = mesh;
    this.judge = new RequestJudge(mesh);
    this.context = mesh.serverContext(gate);
  }

  /** How long a connection may say nothing at all, null for as long as it likes. */
  void idleTimeout(@Nullable Duration given) {
    idleTimeout = given;
  }

  @Override
  public boolean isClient() {
    return false;
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator) {
    return ready(context.createSSLEngine());
  }

  @Override
  public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
    return ready(context.createSSLEngine(peerHost, peerPort));
  }

  private static GuardedEngine ready(SSLEngine engine) {
    engine.setUseClientMode(false);
    return new GuardedEngine(engine);
  }

  /** Empty where there is nothing in common: the first bytes decide in any case. */
  static String select(List<String> offered, boolean http2) {
    return PROTOCOLS.stream()
        .filter(protocol -> http2 || !protocol.equals("h2"))
        .filter(offered::contains)
        .findFirst()
        .orElse("");
  }

  // All ways to a handler lead to ours: Netty has four.

  @Override
  protected SslHandler newHandler(ByteBufAllocator allocator, boolean startTls) {
    return new MeshTls(ready(context.createSSLEngine()), mesh, judge, idleTimeout);
  }

  @Override
  protected SslHandler newHandler(
      ByteBufAllocator allocator, boolean startTls, Executor executor) {
    return newHandler(allocator, startTls);
  }

  @Override
  protected SslHandler newHandler(
      ByteBufAllocator allocator, String peerHost, int peerPort, boolean startTls) {
    return newHandler(allocator, startTls);
  }

  @Override
  protected SslHandler newHandler(
      ByteBufAllocator allocator,
      String peerHost,
      int peerPort,
      boolean startTls,
      Executor executor) {
    return newHandler(allocator, startTls);
  }

  @Override
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return () -> PROTOCOLS;
  }

  @Override
  public List<String> cipherSuites() {
    return List.of(context.getSupportedSSLParameters().getCipherSuites());
  }

  @Override
  public SSLSessionContext sessionContext() {
    return context.getServerSessionContext();
  }
}
