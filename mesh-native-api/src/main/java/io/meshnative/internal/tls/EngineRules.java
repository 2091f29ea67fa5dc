package io.meshnative.internal.tls;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;

/**
 * Versions, cipher suites and resumption of one side.
 *
 * <p>Not here, because engines have no switch for it: TLS 1.2 is taken with the extended master
 * secret only (RFC 7627), which {@link MeshEngine} reads off the wire; both JSSE and BoringSSL
 * would go on without. And key exchange: both engines offer x25519 first, BoringSSL its hybrid with
 * ML-KEM before it, as does JSSE from JDK 27 on; {@code SSLParameters.setNamedGroups} (JDK 20)
 * could only take something away, and {@code jdk.tls.namedGroups} is the operator's for the JVM.
 *
 * @param versions the enabled versions, newest first
 * @param resumption whether sessions are resumed
 */
record EngineRules(List<String> versions, boolean resumption) {

  static EngineRules of(boolean tls12, boolean resumption) {
    return new EngineRules(tls12 ? List.of("TLSv1.3", "TLSv1.2") : List.of("TLSv1.3"), resumption);
  }

  EngineRules {
    versions = List.copyOf(versions);
  }

  String[] protocols() {
    return versions.toArray(new String[0]);
  }

  /**
   * TLS 1.3 suites, and of TLS 1.2 those with an ephemeral key and AEAD (RFC 9325 §4.2). The latter
   * stand in the list even where TLS 1.2 is off: a Conscrypt server asks its key manager only for
   * the key types that they name.
   */
  String[] suites(SSLEngine engine) {
    List<String> suites = new ArrayList<>();
    for (String suite : engine.getSupportedCipherSuites()) {
      boolean aead = suite.contains("_GCM_") || suite.contains("CHACHA20");
      boolean tls13 = suite.startsWith("TLS_AES_") || suite.startsWith("TLS_CHACHA20_");
      boolean tls12 = suite.startsWith("TLS_ECDHE_ECDSA_") || suite.startsWith("TLS_ECDHE_RSA_");
      if (tls13 || (aead && tls12)) {
        suites.add(suite);
      }
    }
    return suites.toArray(new String[0]);
  }

  /** Applies the rules to a fresh engine. */
  void apply(SSLEngine engine, boolean client) {
    apply(engine, client, suites(engine));
  }

  /**
   * Applies the rules to a fresh engine whose suites are known already. Parameters travel as copies
   * of everything that an engine can be told, so they are set only where something differs.
   */
  void apply(SSLEngine engine, boolean client, String[] suites) {
    engine.setUseClientMode(client);
    engine.setEnabledProtocols(protocols());
    engine.setEnabledCipherSuites(suites);
    if (!client) {
      engine.setNeedClientAuth(true);
    }
    SSLParameters parameters = engine.getSSLParameters();
    if (parameters.getEndpointIdentificationAlgorithm() != null) {
      // Identity is the SPIFFE id, never a host name.
      parameters.setEndpointIdentificationAlgorithm(null);
      engine.setSSLParameters(parameters);
    }
  }

  void offer(SSLParameters parameters, List<String> alpn, Optional<String> serverName) {
    if (!alpn.isEmpty()) {
      parameters.setApplicationProtocols(alpn.toArray(new String[0]));
    }
    serverName
        .filter(EngineRules::isHostName)
        .ifPresent(name -> parameters.setServerNames(List.of(new SNIHostName(name))));
  }

  /**
   * Only letters, digits and inner dashes between dots: JSSE servers end the handshake on anything
   * else.
   */
  static boolean isHostName(String name) {
    if (name.length() > 253) {
      return false;
    }
    for (String label : name.split("\\.", -1)) {
      if (label.isEmpty() || label.length() > 63 || label.startsWith("-") || label.endsWith("-")) {
        return false;
      }
      for (int i = 0; i < label.length(); i++) {
        char c = label.charAt(i);
        if (!((c >= 'a' && c <= 'z')
            || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9')
            || c == '-')) {
          return false;
        }
      }
    }
    return true;
  }

  /** What was asked for and is allowed. */
  static String[] restrict(String what, String[] asked, String[] allowed) {
    Set<String> permitted = Set.copyOf(Arrays.asList(allowed));
    String[] kept = Arrays.stream(asked).filter(permitted::contains).toArray(String[]::new);
    if (kept.length == 0) {
      throw new IllegalArgumentException(
          "expected at least one of the "
              + what
              + " "
              + permitted
              + ", found "
              + Arrays.toString(asked));
    }
    return kept;
  }
}
