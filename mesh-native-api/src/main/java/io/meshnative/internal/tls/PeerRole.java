package io.meshnative.internal.tls;

/**
 * What the peer is in the handshake, and which extended key usage it needs (RFC 5280 §4.2.1.12).
 */
public enum PeerRole {
  CLIENT("1.3.6.1.5.5.7.3.2"),
  SERVER("1.3.6.1.5.5.7.3.1");

  private final String keyPurpose;

  PeerRole(String keyPurpose) {
    this.keyPurpose = keyPurpose;
  }

  String keyPurpose() {
    return keyPurpose;
  }
}
