package io.meshnative.internal.transport;

import java.security.Principal;
import java.security.cert.Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/** The session of a socket that has none: valid for nothing, equal to itself, without state. */
final class NullSession implements SSLSession {
  static final NullSession INSTANCE = new NullSession();
  private static final String NO_PEER = "there is no session yet, so no peer: connect first";

  private NullSession() {}

  @Override
  public byte[] getId() {
    return new byte[0];
  }

  @Override
  public @Nullable SSLSessionContext getSessionContext() {
    return null;
  }

  @Override
  public long getCreationTime() {
    return 0;
  }

  @Override
  public long getLastAccessedTime() {
    return 0;
  }

  @Override
  public void invalidate() {}

  @Override
  public boolean isValid() {
    return false;
  }

  @Override
  public void putValue(String name, Object value) {
    throw new UnsupportedOperationException(NO_PEER);
  }

  @Override
  public @Nullable Object getValue(String name) {
    return null;
  }

  @Override
  public void removeValue(String name) {}

  @Override
  public String[] getValueNames() {
    return new String[0];
  }

  @Override
  public Certificate[] getPeerCertificates() throws SSLPeerUnverifiedException {
    throw new SSLPeerUnverifiedException(NO_PEER);
  }

  @Override
  public Certificate @Nullable [] getLocalCertificates() {
    return null;
  }

  @Override
  public Principal getPeerPrincipal() throws SSLPeerUnverifiedException {
    throw new SSLPeerUnverifiedException(NO_PEER);
  }

  @Override
  public @Nullable Principal getLocalPrincipal() {
    return null;
  }

  @Override
  public String getCipherSuite() {
    return "SSL_NULL_WITH_NULL_NULL";
  }

  @Override
  public String getProtocol() {
    return "NONE";
  }

  @Override
  public @Nullable String getPeerHost() {
    return null;
  }

  @Override
  public int getPeerPort() {
    return -1;
  }

  @Override
  public int getPacketBufferSize() {
    return 16_709;
  }

  @Override
  public int getApplicationBufferSize() {
    return 16_384;
  }
}
