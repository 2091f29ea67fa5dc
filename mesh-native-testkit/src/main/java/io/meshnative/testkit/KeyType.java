package io.meshnative.testkit;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;

/** The kinds of key that the test authority can make. */
public enum KeyType {
  /** Elliptic curve P-256. What Consul uses for every leaf. */
  EC_P256("EC", "secp256r1", 256),
  /** Elliptic curve P-384. */
  EC_P384("EC", "secp384r1", 384),
  /** RSA of 2048 bits. */
  RSA_2048("RSA", "", 2048),
  /** RSA of 1024 bits: too weak for anything, and offered so that tests can prove a refusal. */
  RSA_1024("RSA", "", 1024);

  private final String algorithm;
  private final String curve;
  private final int bits;

  KeyType(String algorithm, String curve, int bits) {
    this.algorithm = algorithm;
    this.curve = curve;
    this.bits = bits;
  }

  /** Makes a fresh key pair with the JDK's own providers. May take some 100 ms for RSA. */
  KeyPair generate() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      if (curve.isEmpty()) {
        generator.initialize(bits);
      } else {
        generator.initialize(new ECGenParameterSpec(curve));
      }
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK cannot make a key of type " + this, e);
    }
  }
}
