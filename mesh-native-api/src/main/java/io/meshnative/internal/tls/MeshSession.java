package io.meshnative.internal.tls;

import java.security.Principal;
import java.security.cert.Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import org.jspecify.annotations.Nullable;

/**
 * The session of one engine: leads back to its connection, and shows the peer's certificates only
 * after the check after the handshake. Values put here stay with the connection; they do not
 * outlive it by resumption.
 */
public final class MeshSession extends ExtendedSSLSession {
  private final MeshEngine engine;
  private final Supplier<SSLSession> real;
  private final Map<String, Object> values = new ConcurrentHashMap<>();

  MeshSession(MeshEngine engine, Supplier<SSLSession> real) {
    this.engine = engine;
    this.real = real;
  }

  public MeshEngine engine() {
    return engine;
  }

  private SSLSession session() {
    return real.get();
  }

  @Override
  public Certificate[] getPeerCertificates() throws SSLPeerUnverifiedException {
    PeerProof proof = engine.proof();
    if (engine.peer() == null || proof == null) {
      throw new SSLPeerUnverifiedException("the peer is not verified");
    }
    return proof.chain().toArray(new Certificate[0]);
  }

  @Override
  public Principal getPeerPrincipal() throws SSLPeerUnverifiedException {
    PeerProof proof = engine.proof();
    if (engine.peer() == null || proof == null) {
      throw new SSLPeerUnverifiedException("the peer is not verified");
    }
    return proof.leaf().getSubjectX500Principal();
  }

  @Override
  public Certificate @Nullable [] getLocalCertificates() {
    return engine.epoch().identity().chain().toArray(new Certificate[0]);
  }

  @Override
  public Principal getLocalPrincipal() {
    return engine.epoch().identity().leaf().getSubjectX500Principal();
  }

  @Override
  public byte[] getId() {
    return session().getId();
  }

  @Override
  public @Nullable SSLSessionContext getSessionContext() {
    return session().getSessionContext();
  }

  @Override
  public long getCreationTime() {
    return session().getCreationTime();
  }

  @Override
  public long getLastAccessedTime() {
    return session().getLastAccessedTime();
  }

  @Override
  public void invalidate() {
    session().invalidate();
  }

  @Override
  public boolean isValid() {
    return session().isValid();
  }

  @Override
  public void putValue(String name, Object value) {
    values.put(name, value);
  }

  @Override
  public @Nullable Object getValue(String name) {
    return values.get(name);
  }

  @Override
  public void removeValue(String name) {
    values.remove(name);
  }

  @Override
  public String[] getValueNames() {
    return values.keySet().toArray(new String[0]);
  }

  @Override
  public String getCipherSuite() {
    return session().getCipherSuite();
  }

  @Override
  public String getProtocol() {
    return session().getProtocol();
  }

  @Override
  public @Nullable String getPeerHost() {
    return engine.getPeerHost();
  }

  @Override
  public int getPeerPort() {
    return engine.getPeerPort();
  }

  @Override
  public int getPacketBufferSize() {
    return session().getPacketBufferSize();
  }

  @Override
  public int getApplicationBufferSize() {
    return session().getApplicationBufferSize();
  }

  @Override
  public String[] getLocalSupportedSignatureAlgorithms() {
    return session() instanceof ExtendedSSLSession extended
        ? extended.getLocalSupportedSignatureAlgorithms()
        : new String[0];
  }

  @Override
  public String[] getPeerSupportedSignatureAlgorithms() {
    return session() instanceof ExtendedSSLSession extended
        ? extended.getPeerSupportedSignatureAlgorithms()
        : new String[0];
  }

  /**
   * Empty where the name that came cannot be read: a Conscrypt server throws on names it let
   * through.
   */
  @Override
  public List<SNIServerName> getRequestedServerNames() {
    try {
      return session() instanceof ExtendedSSLSession extended
          ? extended.getRequestedServerNames()
          : List.of();
    } catch (IllegalArgumentException | UnsupportedOperationException e) {
      return List.of();
    }
  }
}
