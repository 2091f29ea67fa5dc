package io.meshnative.internal.tls;

import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/** The settings of an engine: what would weaken the rules has no effect, or is refused. */
abstract class RuledEngine extends SSLEngine {
  private static final List<String> HTTP_2_ALONE = List.of("h2");

  final SSLEngine real;
  final EngineRules rules;
  private final boolean client;
  private boolean agreeing;

  RuledEngine(
      SSLEngine real, EngineRules rules, boolean client, @Nullable String peerHost, int peerPort) {
    super(peerHost, peerPort);
    this.real = real;
    this.rules = rules;
    this.client = client;
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return rules.suites(real);
  }

  @Override
  public String[] getEnabledCipherSuites() {
    return real.getEnabledCipherSuites();
  }

  @Override
  public void setEnabledCipherSuites(String[] suites) {
    real.setEnabledCipherSuites(EngineRules.restrict("cipher suites", suites, rules.suites(real)));
  }

  @Override
  public String[] getSupportedProtocols() {
    return rules.protocols();
  }

  @Override
  public String[] getEnabledProtocols() {
    return real.getEnabledProtocols();
  }

  @Override
  public void setEnabledProtocols(String[] protocols) {
    real.setEnabledProtocols(EngineRules.restrict("protocols", protocols, rules.protocols()));
  }

  /**
   * Refused where it would turn a client's engine into a server's or back: the terms are of one
   * role.
   *
   * @throws IllegalArgumentException if the mode is not the one this engine was made for
   */
  @Override
  public void setUseClientMode(boolean client) {
    if (client != this.client) {
      throw new IllegalArgumentException(
          "expected the mode this engine was made for ("
              + (client ? "server" : "client")
              + "); use "
              + (client ? "clientContext(destination)" : "serverContext()"));
    }
  }

  @Override
  public boolean getUseClientMode() {
    return real.getUseClientMode();
  }

  /** Has no effect: a client certificate is always needed. */
  @Override
  public void setNeedClientAuth(boolean need) {}

  @Override
  public boolean getNeedClientAuth() {
    return real.getNeedClientAuth();
  }

  /** Has no effect: a client certificate is always needed. */
  @Override
  public void setWantClientAuth(boolean want) {}

  @Override
  public boolean getWantClientAuth() {
    return real.getWantClientAuth();
  }

  @Override
  public void setEnableSessionCreation(boolean flag) {
    real.setEnableSessionCreation(flag);
  }

  @Override
  public boolean getEnableSessionCreation() {
    return real.getEnableSessionCreation();
  }

  @Override
  public SSLParameters getSSLParameters() {
    return real.getSSLParameters();
  }

  /**
   * Takes what the parameters say of ALPN, server names and order; rules of identity and strength
   * stay.
   */
  @Override
  public void setSSLParameters(SSLParameters parameters) {
    if (parameters.getCipherSuites() != null) {
      setEnabledCipherSuites(parameters.getCipherSuites());
    }
    if (parameters.getProtocols() != null) {
      setEnabledProtocols(parameters.getProtocols());
    }
    SSLParameters kept = real.getSSLParameters();
    if (parameters.getServerNames() != null) {
      kept.setServerNames(parameters.getServerNames());
    }
    if (parameters.getSNIMatchers() != null) {
      kept.setSNIMatchers(parameters.getSNIMatchers());
    }
    kept.setApplicationProtocols(parameters.getApplicationProtocols());
    kept.setUseCipherSuitesOrder(parameters.getUseCipherSuitesOrder());
    real.setSSLParameters(kept);
    agreeOn(List.of(parameters.getApplicationProtocols()));
  }

  /**
   * A server agrees on its first protocol that the caller offers, as ever; but whoever offers
   * {@code h2} and nothing else gets no agreement instead of an alert where the server does not
   * speak it. The built-in proxy of Consul 1.8.7 offers that and then hands on what its application
   * says (reference consul.md §0.4). A selector of the application's own comes first.
   */
  private void agreeOn(List<String> spoken) {
    if (client || getHandshakeApplicationProtocolSelector() != null) {
      return;
    }
    if (!spoken.isEmpty()) {
      real.setHandshakeApplicationProtocolSelector((engine, offered) -> agreed(spoken, offered));
      agreeing = true;
    } else if (agreeing) {
      real.setHandshakeApplicationProtocolSelector(null);
      agreeing = false;
    }
  }

  /** Null for an alert, which JSSE sends; BoringSSL goes on without an agreement in any case. */
  private static @Nullable String agreed(List<String> spoken, List<String> offered) {
    for (String protocol : spoken) {
      if (offered.contains(protocol)) {
        return protocol;
      }
    }
    return offered.equals(HTTP_2_ALONE) ? "" : null;
  }

  /** The ALPN protocols and server names of this library's own dials and listeners. */
  public void offer(List<String> alpn, Optional<String> serverName) {
    if (alpn.isEmpty() && serverName.isEmpty()) {
      return;
    }
    SSLParameters parameters = real.getSSLParameters();
    rules.offer(parameters, alpn, serverName);
    real.setSSLParameters(parameters);
    agreeOn(alpn);
  }
}
