package io.meshnative.benchmarks;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSsl;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshnative.testkit.IssuedCertificate;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Mutual TLS 1.3 as one configures it for gRPC without a mesh: a certificate, a key and a root that
 * never change. It checks the chain, and neither who the peer is nor whether it may call.
 */
enum GrpcHand {
  /** The engine that grpc-netty-shaded brings along, and takes by default. */
  TCNATIVE("by hand, netty-tcnative") {
    @Override
    SslContextBuilder configure(SslContextBuilder builder) {
      return GrpcSslContexts.configure(builder, SslProvider.OPENSSL);
    }

    @Override
    X509TrustManager trust(X509Certificate root) throws Exception {
      return RawWire.trust(Engine.JSSE, root);
    }

    @Override
    String engine() {
      return "netty-tcnative (" + OpenSsl.versionString() + ")";
    }
  },

  /** The library's engine. */
  CONSCRYPT("by hand, Conscrypt") {
    @Override
    SslContextBuilder configure(SslContextBuilder builder) {
      return GrpcSslContexts.configure(builder, Engine.CONSCRYPT.provider().provider());
    }

    @Override
    X509TrustManager trust(X509Certificate root) throws Exception {
      return RawWire.trust(Engine.CONSCRYPT, root);
    }

    @Override
    String engine() {
      return "Conscrypt (BoringSSL) through Netty's own adapter";
    }
  };

  private final String title;

  GrpcHand(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  abstract SslContextBuilder configure(SslContextBuilder builder);

  abstract X509TrustManager trust(X509Certificate root) throws Exception;

  /** For the report. */
  abstract String engine();

  SslContext server(IssuedCertificate own, X509Certificate root) throws Exception {
    return built(SslContextBuilder.forServer(own.privateKey(), chain(own)), trust(root));
  }

  SslContext client(IssuedCertificate own, X509Certificate root) throws Exception {
    return built(
        SslContextBuilder.forClient().keyManager(own.privateKey(), chain(own)),
        new AnyName(trust(root)));
  }

  private SslContext built(SslContextBuilder builder, X509TrustManager trust) throws SSLException {
    return configure(builder)
        .trustManager(trust)
        .clientAuth(ClientAuth.REQUIRE)
        .protocols("TLSv1.3")
        .build();
  }

  private static X509Certificate[] chain(IssuedCertificate own) {
    return own.chain().toArray(new X509Certificate[0]);
  }

  /** gRPC always asks for a check of the host's name, and certificates of the mesh have none. */
  private static final class AnyName extends X509ExtendedTrustManager {
    private final X509TrustManager trust;

    AnyName(X509TrustManager trust) {
      this.trust = trust;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      trust.checkServerTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      trust.checkServerTrusted(chain, type);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      trust.checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      trust.checkClientTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
        throws CertificateException {
      trust.checkClientTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      trust.checkClientTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return trust.getAcceptedIssuers();
    }
  }
}
