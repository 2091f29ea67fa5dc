package io.meshnative.tests;

import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslProvider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/**
 * A gRPC server that knows nothing of this library, on the {@code grpc-netty} that is not shaded:
 * with a leaf of the agent, as a program does it by hand, or without any TLS, for a proxy in front.
 */
final class GrpcPlainServer implements AutoCloseable {
  private final Server server;

  private GrpcPlainServer(NettyServerBuilder builder, ServerServiceDefinition service)
      throws IOException {
    server = builder.addService(service).build().start();
  }

  private static NettyServerBuilder onLoopback() {
    return NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0));
  }

  /** Without TLS. */
  static GrpcPlainServer inPlaintext(ServerServiceDefinition service) throws IOException {
    return new GrpcPlainServer(onLoopback(), service);
  }

  /** With mutual TLS, by what the agent gives. */
  static GrpcPlainServer withLeaf(Plane plane, String service, ServerServiceDefinition calls)
      throws IOException {
    Map<String, Object> leaf =
        EnvoyJson.tree(plane.api().require("GET", "/v1/agent/connect/ca/leaf/" + service, ""));
    return new GrpcPlainServer(onLoopback().sslContext(tls(leaf, roots(plane))), calls);
  }

  private static String roots(Plane plane) throws IOException {
    Map<String, Object> answer =
        EnvoyJson.tree(plane.api().require("GET", "/v1/agent/connect/ca/roots", ""));
    StringBuilder all = new StringBuilder();
    for (Object root : (List<?>) answer.get("Roots")) {
      all.append(((Map<?, ?>) root).get("RootCert"));
    }
    return all.toString();
  }

  private static SslContext tls(Map<String, Object> leaf, String roots) throws IOException {
    try {
      return GrpcSslContexts.configure(
              io.netty.handler.ssl.SslContextBuilder.forServer(
                  key((String) leaf.get("PrivateKeyPEM")),
                  certificates((String) leaf.get("CertPEM"))),
              SslProvider.JDK)
          .trustManager(certificates(roots))
          .clientAuth(ClientAuth.REQUIRE)
          .build();
    } catch (CertificateException e) {
      throw new IOException(e);
    }
  }

  private static X509Certificate[] certificates(String pem) throws CertificateException {
    InputStream in = new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII));
    return CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
        .map(X509Certificate.class::cast)
        .toArray(X509Certificate[]::new);
  }

  private static PrivateKey key(String pem) throws IOException {
    try (PEMParser parser = new PEMParser(new StringReader(pem))) {
      return new JcaPEMKeyConverter().getKeyPair((PEMKeyPair) parser.readObject()).getPrivate();
    }
  }

  int port() {
    return server.getPort();
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      if (!server.awaitTermination(Cast.GUARD.toSeconds(), TimeUnit.SECONDS)) {
        throw new UncheckedIOException(new IOException("the gRPC server did not end"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
