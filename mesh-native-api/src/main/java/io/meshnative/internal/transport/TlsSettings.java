package io.meshnative.internal.transport;

import java.util.Arrays;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * What a caller may still change about TLS: narrow it, never widen it. The mesh decides versions,
 * suites, both ends' certificates and names; drivers and HTTP clients repeat such settings out of
 * habit, so whatever leaves security as it is or better is accepted. What was narrowed before there
 * was an engine is checked against the session.
 */
final class TlsSettings {
  private static final String[] NO_NAMES = {};
  private static final String[] VERSIONS = {"TLSv1.3", "TLSv1.2"};

  private volatile @Nullable SSLEngine engine;
  private volatile String[] protocols = VERSIONS;
  private volatile String @Nullable [] suites;

  TlsSettings(@Nullable SSLEngine engine) {
    this.engine = engine;
  }

  /** The deferred socket has connected. */
  void connected(SSLEngine made) throws SSLHandshakeException {
    SSLSession session = made.getSession();
    String[] allowed = suites;
    if (!List.of(protocols).contains(session.getProtocol())
        || (allowed != null && !List.of(allowed).contains(session.getCipherSuite()))) {
      throw new SSLHandshakeException(
          "expected one of "
              + Arrays.toString(protocols)
              + (allowed == null ? "" : " with one of " + Arrays.toString(allowed))
              + " as set on this socket, found "
              + session.getProtocol()
              + " with "
              + session.getCipherSuite());
    }
    engine = made;
  }

  String[] supportedProtocols() {
    SSLEngine present = engine;
    return present != null ? present.getSupportedProtocols() : VERSIONS.clone();
  }

  String[] enabledProtocols() {
    SSLEngine present = engine;
    return present != null ? present.getEnabledProtocols() : protocols.clone();
  }

  void enableProtocols(String[] wanted, @Nullable SSLSession done) {
    narrower("protocols", wanted, enabledProtocols());
    SSLEngine present = engine;
    if (present == null) {
      protocols = wanted.clone();
    } else if (done == null) {
      present.setEnabledProtocols(wanted);
    } else {
      contains("protocols", wanted, done.getProtocol());
    }
  }

  String[] supportedSuites() {
    SSLEngine present = engine;
    return present != null ? present.getSupportedCipherSuites() : enabledSuites();
  }

  String[] enabledSuites() {
    SSLEngine present = engine;
    String[] set = suites;
    return present != null
        ? present.getEnabledCipherSuites()
        : set != null ? set.clone() : NO_NAMES;
  }

  void enableSuites(String[] wanted, @Nullable SSLSession done) {
    SSLEngine present = engine;
    if (present == null) {
      if (wanted.length == 0) {
        throw new IllegalArgumentException(
            "expected at least one of the cipher suites, found none");
      }
      suites = wanted.clone();
      return;
    }
    narrower("cipher suites", wanted, enabledSuites());
    if (done == null) {
      present.setEnabledCipherSuites(wanted);
    } else {
      contains("cipher suites", wanted, done.getCipherSuite());
    }
  }

  boolean clientMode() {
    SSLEngine present = engine;
    return present == null || present.getUseClientMode();
  }

  void clientMode(boolean wanted) {
    if (wanted != clientMode()) {
      throw new IllegalArgumentException(
          "expected this connection's own side, "
              + (clientMode() ? "client" : "server")
              + ": the mesh decides which side a connection is");
    }
  }

  boolean needsClientCertificate() {
    SSLEngine present = engine;
    return present != null && present.getNeedClientAuth();
  }

  boolean wantsClientCertificate() {
    SSLEngine present = engine;
    return present != null && present.getWantClientAuth();
  }

  /**
   * Need is all there is: a client has nothing to need, a server of the mesh never does without.
   */
  void needClientCertificate(boolean wanted) {
    if (!wanted && needsClientCertificate()) {
      throw new UnsupportedOperationException(
          "a server of the mesh needs the client's certificate; this cannot be switched off");
    }
  }

  /** Either value would replace need by something less. */
  void wantClientCertificate(boolean wanted) {
    if (wanted && needsClientCertificate()) {
      throw new UnsupportedOperationException(
          "a server of the mesh needs the client's certificate, wanting it is not enough");
    }
  }

  void sessionCreation(boolean wanted) {
    if (!wanted) {
      throw new UnsupportedOperationException(
          "whether sessions are resumed is set on the mesh client, not on a socket");
    }
  }

  SSLParameters parameters() {
    SSLEngine present = engine;
    if (present != null) {
      return present.getSSLParameters();
    }
    SSLParameters early = new SSLParameters();
    early.setProtocols(enabledProtocols());
    if (suites != null) {
      early.setCipherSuites(enabledSuites());
    }
    return early;
  }

  /**
   * Takes over protocols and suites (narrower only) and ALPN (before the handshake). Endpoint
   * identification and server names are ignored: the peer is identified by its SPIFFE id.
   */
  void parameters(SSLParameters wanted, @Nullable SSLSession done) {
    String[] names = wanted.getProtocols();
    if (names != null) {
      enableProtocols(names, done);
    }
    names = wanted.getCipherSuites();
    if (names != null && names.length > 0) {
      enableSuites(names, done);
    }
    if (wanted.getWantClientAuth()) {
      wantClientCertificate(true);
    }
    String[] alpn = wanted.getApplicationProtocols();
    SSLEngine present = engine;
    if (present == null) {
      if (alpn != null && alpn.length > 0) {
        throw new UnsupportedOperationException(
            "a socket that connects later takes its application protocols from its dial options");
      }
    } else if (done == null && alpn != null) {
      SSLParameters own = present.getSSLParameters();
      own.setApplicationProtocols(alpn);
      present.setSSLParameters(own);
    }
  }

  private static void narrower(String what, String[] wanted, String[] enabled) {
    List<String> allowed = Arrays.asList(enabled);
    if (wanted.length == 0 || !allowed.containsAll(Arrays.asList(wanted))) {
      throw new IllegalArgumentException(
          "expected some of the enabled "
              + what
              + " "
              + allowed
              + ", found "
              + Arrays.toString(wanted)
              + "; the mesh decides them, a socket can only narrow them");
    }
  }

  private static void contains(String what, String[] wanted, String negotiated) {
    if (!Arrays.asList(wanted).contains(negotiated)) {
      throw new IllegalArgumentException(
          "expected "
              + what
              + " that hold the negotiated "
              + negotiated
              + ", found "
              + Arrays.toString(wanted)
              + "; the handshake is done");
    }
  }
}
