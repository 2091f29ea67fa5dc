package io.meshnative.grpc;

import io.grpc.netty.shaded.io.netty.buffer.ByteBufAllocator;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/**
 * The mesh's TLS as Netty takes it. The context behind it is always the same object and makes each
 * engine in the newest trust epoch; this one holds no key, no session and no native memory.
 *
 * <p>gRPC asks it which protocols may have been agreed, and closes the connection on any other. No
 * protocol is among them: Envoy as a client of Consul's mesh offers none and speaks HTTP/2 from the
 * start (reference: Consul §0.4). The connection preface tells whether the client really does.
 */
final class EpochTls extends SslContext {
  /** On sessions of clients that offered protocols, and not HTTP/2. */
  private static final String OTHER_PROTOCOL = "io.meshnative.grpc.other-protocol";

  private static final String H2 = "h2";

  /** Null is what Netty says where no protocol was agreed. */
  private static final List<String> ACCEPTED =
      Collections.unmodifiableList(Arrays.asList(H2, null));

  private final SSLContext context;

  EpochTls(SSLContext context) {
    this.context = context;
  }

  /** Whether the client has said that it speaks something else. */
  static boolean speaksOtherProtocol(SSLSession session) {
    return session.getValue(OTHER_PROTOCOL) != null;
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

  private static SSLEngine ready(SSLEngine engine) {
    engine.setUseClientMode(false);
    engine.setHandshakeApplicationProtocolSelector(EpochTls::select);
    return new NettyEngine(engine);
  }

  private static @Nullable String select(SSLEngine engine, List<String> offered) {
    if (offered.contains(H2)) {
      return H2;
    }
    // JSSE ends the handshake on this; BoringSSL goes on without a protocol.
    engine.getSession().putValue(OTHER_PROTOCOL, Boolean.TRUE);
    return null;
  }

  @Override
  public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
    return () -> ACCEPTED;
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
