package io.meshnative.internal.tls;

import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Hands the peer's certificates to the engine that is being driven, which knows the terms and the
 * epoch. Every overload that carries no engine throws: there is nothing it could verify against.
 */
final class PeerTrustManager extends X509ExtendedTrustManager {

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, PeerRole.CLIENT, engine);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, PeerRole.SERVER, engine);
  }

  private static void check(X509Certificate[] chain, PeerRole role, SSLEngine engine)
      throws CertificateException {
    MeshEngine ours = HandshakeScope.current();
    if (ours == null) {
      throw new CertificateException("expected a handshake of a mesh engine, found one of another");
    }
    try {
      ours.onPeerCertificates(chain, role, engine);
    } catch (CertificateException e) {
      throw e;
    } catch (Throwable e) {
      // JSSE lets a RuntimeException out of the delegated task, with no alert or the wrong one:
      // deny in order.
      throw new CertificateException("the verification of the peer failed", e);
    }
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw noContext();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw noContext();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw noContext();
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw noContext();
  }

  private static CertificateException noContext() {
    return new CertificateException(
        "expected a mesh engine to verify against, found none: peers are never accepted without");
  }

  /**
   * Empty: a list of all roots would bloat each CertificateRequest, and peers present their mesh
   * leaf anyway.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
