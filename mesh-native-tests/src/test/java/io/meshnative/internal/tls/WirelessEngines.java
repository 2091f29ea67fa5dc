package io.meshnative.internal.tls;

import io.meshnative.PeerAuthorizer;
import java.nio.ByteBuffer;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLSession;

/**
 * Mesh engines without a TLS engine below, for tests of the registry: they are entered, judged and
 * cut as any other, and nothing is ever sent.
 */
public final class WirelessEngines {
  private static final SSLEngine NO_WIRE = new NoWire();
  private static final EngineRules RULES = EngineRules.of(false, false);
  private static final Terms INBOUND =
      new Terms.Inbound(Optional.empty(), PeerAuthorizer.intentions());

  private WirelessEngines() {}

  public static MeshEngine inbound(TlsEngines owner, TrustEpoch epoch) {
    return new MeshEngine(NO_WIRE, epoch, INBOUND, RULES, owner, () -> {}, "peer.test", 1);
  }

  /** Nothing here is ever called but by mistake. */
  private static final class NoWire extends SSLEngine {
    private static UnsupportedOperationException none() {
      return new UnsupportedOperationException("there is no wire");
    }

    @Override
    public SSLEngineResult wrap(ByteBuffer[] sources, int offset, int length, ByteBuffer to) {
      throw none();
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer from, ByteBuffer[] to, int offset, int length) {
      throw none();
    }

    @Override
    public Runnable getDelegatedTask() {
      throw none();
    }

    @Override
    public void closeInbound() {
      throw none();
    }

    @Override
    public boolean isInboundDone() {
      throw none();
    }

    @Override
    public void closeOutbound() {
      throw none();
    }

    @Override
    public boolean isOutboundDone() {
      throw none();
    }

    @Override
    public String[] getSupportedCipherSuites() {
      throw none();
    }

    @Override
    public String[] getEnabledCipherSuites() {
      throw none();
    }

    @Override
    public void setEnabledCipherSuites(String[] suites) {
      throw none();
    }

    @Override
    public String[] getSupportedProtocols() {
      throw none();
    }

    @Override
    public String[] getEnabledProtocols() {
      throw none();
    }

    @Override
    public void setEnabledProtocols(String[] protocols) {
      throw none();
    }

    @Override
    public SSLSession getSession() {
      throw none();
    }

    @Override
    public void beginHandshake() {
      throw none();
    }

    @Override
    public HandshakeStatus getHandshakeStatus() {
      throw none();
    }

    @Override
    public void setUseClientMode(boolean mode) {
      throw none();
    }

    @Override
    public boolean getUseClientMode() {
      throw none();
    }

    @Override
    public void setNeedClientAuth(boolean need) {
      throw none();
    }

    @Override
    public boolean getNeedClientAuth() {
      throw none();
    }

    @Override
    public void setWantClientAuth(boolean want) {
      throw none();
    }

    @Override
    public boolean getWantClientAuth() {
      throw none();
    }

    @Override
    public void setEnableSessionCreation(boolean flag) {
      throw none();
    }

    @Override
    public boolean getEnableSessionCreation() {
      throw none();
    }
  }
}
