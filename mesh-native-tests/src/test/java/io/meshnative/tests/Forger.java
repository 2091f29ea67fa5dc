package io.meshnative.tests;

import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.util.Map;

/**
 * Signs with keys that say themselves what their signatures shall be, so that a TLS library sends
 * them. Registered last, and asked for such keys only.
 */
final class Forger extends Provider implements AutoCloseable {
  private static final long serialVersionUID = 1L;
  private static final String SHA256_WITH_ECDSA = "SHA256withECDSA";

  Forger() {
    super("Forger", "1", "signs as its keys say");
    putService(
        new Service(
            this,
            "Signature",
            SHA256_WITH_ECDSA,
            Hand.class.getName(),
            null,
            Map.of("SupportedKeyClasses", Key.class.getName())));
    Security.addProvider(this);
  }

  @Override
  public void close() {
    Security.removeProvider(getName());
  }

  /** A key that makes these bytes its signature; or, without any, signs as its owner would. */
  static final class Key implements PrivateKey {
    private static final long serialVersionUID = 1L;
    private final transient PrivateKey honest;
    private final byte[] signature;

    Key(PrivateKey honest, byte[] signature) {
      this.honest = honest;
      this.signature = signature;
    }

    @Override
    public String getAlgorithm() {
      return "EC";
    }

    @Override
    public String getFormat() {
      return null;
    }

    @Override
    public byte[] getEncoded() {
      return null;
    }
  }

  /** The hand that signs. */
  public static final class Hand extends SignatureSpi {
    private Key key;
    private Signature honest;

    @Override
    protected void engineInitVerify(PublicKey publicKey) throws InvalidKeyException {
      throw new InvalidKeyException("signs only");
    }

    @Override
    protected void engineInitSign(PrivateKey privateKey) throws InvalidKeyException {
      if (!(privateKey instanceof Key ours)) {
        throw new InvalidKeyException("no key of this hand");
      }
      key = ours;
      try {
        honest = Signature.getInstance(SHA256_WITH_ECDSA, "SunEC");
        honest.initSign(ours.honest);
      } catch (java.security.NoSuchAlgorithmException | java.security.NoSuchProviderException e) {
        throw new InvalidKeyException(e);
      }
    }

    @Override
    protected void engineUpdate(byte b) throws SignatureException {
      honest.update(b);
    }

    @Override
    protected void engineUpdate(byte[] bytes, int offset, int length) throws SignatureException {
      honest.update(bytes, offset, length);
    }

    @Override
    protected byte[] engineSign() throws SignatureException {
      byte[] good = honest.sign();
      return key.signature.length == 0 ? good : key.signature.clone();
    }

    @Override
    protected boolean engineVerify(byte[] signature) {
      return false;
    }

    @Override
    @Deprecated
    protected void engineSetParameter(String name, Object value) {}

    @Override
    @Deprecated
    protected Object engineGetParameter(String name) {
      return null;
    }
  }
}
