package io.meshnative.internal.tls;

import io.meshnative.identity.WorkloadIdentity;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Presents the identity of one epoch. Immutable, so key and chain cannot come apart between the
 * engine's three calls. The issuers that a peer names are ignored: an agent's list may name roots
 * that our leaf reaches only through a cross-signed certificate.
 */
final class EpochKeyManager extends X509ExtendedKeyManager {
  private static final String ALIAS = "mesh";

  private final X509Certificate[] chain;
  private final PrivateKey key;
  private final String keyType;

  EpochKeyManager(WorkloadIdentity identity) {
    this.chain = identity.chain().toArray(new X509Certificate[0]);
    this.key = identity.privateKey();
    this.keyType = identity.leaf().getPublicKey().getAlgorithm();
  }

  @Override
  public @Nullable String chooseEngineClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    for (String type : keyTypes) {
      if (isOwn(type)) {
        return ALIAS;
      }
    }
    return null;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String type, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    return isOwn(type) ? ALIAS : null;
  }

  private boolean isOwn(String type) {
    // JSSE names EC keys "EC" and, for TLS 1.2 suites, also "EC_EC" or "EC_RSA" after the issuer's
    // key.
    return type.equals(keyType)
        || type.startsWith(keyType + "_")
        || (keyType.equals("EdDSA") && type.equals("Ed25519"));
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    return alias.equals(ALIAS) ? chain.clone() : null;
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    return alias.equals(ALIAS) ? key : null;
  }

  @Override
  public String @Nullable [] getClientAliases(String type, Principal @Nullable [] issuers) {
    return isOwn(type) ? new String[] {ALIAS} : null;
  }

  @Override
  public String @Nullable [] getServerAliases(String type, Principal @Nullable [] issuers) {
    return isOwn(type) ? new String[] {ALIAS} : null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] types, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null; // only our engines use this manager
  }

  @Override
  public @Nullable String chooseServerAlias(
      String type, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null; // only our engines use this manager
  }
}
