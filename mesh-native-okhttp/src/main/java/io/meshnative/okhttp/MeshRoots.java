package io.meshnative.okhttp;

import io.meshnative.MeshClient;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.LinkedHashSet;
import java.util.Set;
import javax.net.ssl.X509TrustManager;

/**
 * What OkHttp completes a peer's chain with, for whoever asks a response for it. It is never asked
 * whom to trust: mesh TLS decides that, and this refuses.
 */
final class MeshRoots implements X509TrustManager {
  private final MeshClient mesh;

  MeshRoots(MeshClient mesh) {
    this.mesh = mesh;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw refusal();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw refusal();
  }

  private static CertificateException refusal() {
    return new CertificateException("expected mesh TLS to judge the peer, found another TLS");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    Set<X509Certificate> roots = new LinkedHashSet<>();
    mesh.trustBundles().forEach(bundle -> roots.addAll(bundle.roots()));
    return roots.toArray(new X509Certificate[0]);
  }
}
