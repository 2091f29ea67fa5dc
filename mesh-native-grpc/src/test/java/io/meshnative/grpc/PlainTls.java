package io.meshnative.grpc;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolConfig;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.grpc.netty.shaded.io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.IdentityCipherSuiteFilter;
import io.grpc.netty.shaded.io.netty.handler.ssl.JdkSslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/** The TLS of gRPC's own client: nothing of our channels is in it. */
final class PlainTls {
  private PlainTls() {}

  /** Engines of any context of the JDK's kind. */
  static SslContext over(SSLContext context, String... versions) {
    return new JdkSslContext(
        context,
        true,
        null,
        IdentityCipherSuiteFilter.INSTANCE,
        new ApplicationProtocolConfig(
            Protocol.ALPN,
            SelectorFailureBehavior.NO_ADVERTISE,
            SelectedListenerFailureBehavior.ACCEPT,
            "h2"),
        ClientAuth.NONE,
        versions.length == 0 ? null : versions,
        false);
  }

  /** A leaf in gRPC's default engine, BoringSSL, or in the JDK's; it resumes as that does. */
  static SslContext of(
      EmbeddedControlPlane plane, IssuedCertificate identity, SslProvider provider, String version)
      throws Exception {
    return GrpcSslContexts.configure(GrpcSslContexts.forClient(), provider)
        .keyManager(identity.privateKey(), identity.chain().toArray(new X509Certificate[0]))
        .trustManager(rootsOnly(plane.roots()))
        .protocols(version)
        .build();
  }

  /** The roots count and no host name, which no leaf of the mesh has. */
  private static TrustManager rootsOnly(List<X509Certificate> roots) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    for (int i = 0; i < roots.size(); i++) {
      store.setCertificateEntry("root-" + i, roots.get(i));
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    X509TrustManager trust = (X509TrustManager) factory.getTrustManagers()[0];
    return new X509ExtendedTrustManager() {
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
        throw new CertificateException("a client checks no clients");
      }

      @Override
      public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
          throws CertificateException {
        throw new CertificateException("a client checks no clients");
      }

      @Override
      public void checkClientTrusted(X509Certificate[] chain, String type)
          throws CertificateException {
        throw new CertificateException("a client checks no clients");
      }

      @Override
      public X509Certificate[] getAcceptedIssuers() {
        return trust.getAcceptedIssuers();
      }
    };
  }
}
