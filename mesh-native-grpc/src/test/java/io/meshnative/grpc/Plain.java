package io.meshnative.grpc;

import io.grpc.ServerServiceDefinition;
import io.meshnative.testkit.EmbeddedControlPlane;
import io.meshnative.testkit.IssuedCertificate;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/** Servers that only hold a certificate of the mesh's authority, and know of no policy. */
final class Plain {
  private Plain() {}

  static TalkServer server(
      EmbeddedControlPlane plane, String service, ServerServiceDefinition... services)
      throws IOException, GeneralSecurityException {
    return server(plane, service, List.of("TLSv1.3", "TLSv1.2"), services);
  }

  static TalkServer server(
      EmbeddedControlPlane plane,
      String service,
      List<String> versions,
      ServerServiceDefinition... services)
      throws IOException, GeneralSecurityException {
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    List<X509Certificate> certificates = plane.roots();
    for (int i = 0; i < certificates.size(); i++) {
      roots.setCertificateEntry("root" + i, certificates.get(i));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(roots);
    return new TalkServer(
        context(plane, service, trust.getTrustManagers()), versions, true, services);
  }

  static TalkServer serverThatTrustsNobody(
      EmbeddedControlPlane plane, String service, ServerServiceDefinition... services)
      throws IOException, GeneralSecurityException {
    return new TalkServer(
        context(plane, service, new TrustManager[] {new Nobody()}), true, services);
  }

  private static SSLContext context(
      EmbeddedControlPlane plane, String service, TrustManager[] trust)
      throws IOException, GeneralSecurityException {
    IssuedCertificate issued = plane.caIssue(service);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    char[] password = "test".toCharArray();
    keys.setKeyEntry(
        "leaf", issued.privateKey(), password, issued.chain().toArray(new X509Certificate[0]));
    KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(keys, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trust, null);
    return context;
  }

  private static final class Nobody extends X509ExtendedTrustManager {
    private static CertificateException refusal() {
      return new CertificateException("nobody is trusted here");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, java.net.Socket socket)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, java.net.Socket socket)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      throw refusal();
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
