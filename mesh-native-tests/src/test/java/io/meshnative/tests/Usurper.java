package io.meshnative.tests;

import java.security.InvalidKeyException;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Security;
import java.security.Signature;
import java.security.SignatureException;
import java.security.SignatureSpi;
import java.security.cert.CRL;
import java.security.cert.CRLSelector;
import java.security.cert.CertPathBuilderResult;
import java.security.cert.CertPathBuilderSpi;
import java.security.cert.CertPathParameters;
import java.security.cert.CertSelector;
import java.security.cert.CertStoreException;
import java.security.cert.CertStoreParameters;
import java.security.cert.CertStoreSpi;
import java.security.cert.Certificate;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXCertPathBuilderResult;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CertSelector;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;

/**
 * A security provider that an application, or a dependency that was replaced, puts first: whatever
 * asks for an algorithm without naming a provider gets it from here.
 */
final class Usurper extends Provider implements AutoCloseable {
  private static final long serialVersionUID = 1L;

  /** What it was asked for. */
  static final Set<String> ASKED = new ConcurrentSkipListSet<>();

  private Usurper() {
    super("Usurper", "1", "takes over");
  }

  private Usurper first() {
    ASKED.clear();
    Security.insertProviderAt(this, 1);
    return this;
  }

  private Usurper offers(String type, String algorithm, Class<?> spi) {
    putService(new Service(this, type, algorithm, spi.getName(), null, Map.of()));
    return this;
  }

  /** Builds a path from any leaf to any root, and has TLS contexts of its own. */
  static Usurper ofPaths() {
    return new Usurper()
        .offers("CertPathBuilder", "PKIX", Believer.class)
        .offers("CertStore", "Collection", NoStore.class)
        .offers("SSLContext", "TLS", NoContext.class)
        .offers("SSLContext", "TLSv1.3", NoContext.class)
        .first();
  }

  /** Takes every signature for good. */
  static Usurper ofSignatures() {
    return new Usurper().offers("Signature", "SHA256withECDSA", Careless.class).first();
  }

  @Override
  public void close() {
    Security.removeProvider(getName());
  }

  /** A path builder that is always satisfied. */
  public static final class Believer extends CertPathBuilderSpi {
    @Override
    public CertPathBuilderResult engineBuild(CertPathParameters given) {
      ASKED.add("CertPathBuilder");
      try {
        PKIXBuilderParameters parameters = (PKIXBuilderParameters) given;
        Certificate leaf =
            ((X509CertSelector) parameters.getTargetCertConstraints()).getCertificate();
        TrustAnchor anchor = parameters.getTrustAnchors().iterator().next();
        return new PKIXCertPathBuilderResult(
            java.security.cert.CertificateFactory.getInstance("X.509", "SUN")
                .generateCertPath(List.of(leaf)),
            anchor,
            null,
            leaf.getPublicKey());
      } catch (java.security.GeneralSecurityException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** A context that does not even start. */
  public static final class NoContext extends SSLContextSpi {
    public NoContext() {
      ASKED.add("SSLContext");
      throw new IllegalStateException("usurped");
    }

    @Override
    protected void engineInit(KeyManager[] keys, TrustManager[] trust, SecureRandom random) {}

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      throw new IllegalStateException("usurped");
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      throw new IllegalStateException("usurped");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      throw new IllegalStateException("usurped");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      throw new IllegalStateException("usurped");
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      throw new IllegalStateException("usurped");
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      throw new IllegalStateException("usurped");
    }
  }

  /** A store that finds nothing. */
  public static final class NoStore extends CertStoreSpi {
    public NoStore(CertStoreParameters parameters)
        throws java.security.InvalidAlgorithmParameterException {
      super(parameters);
      ASKED.add("CertStore");
    }

    @Override
    public Collection<? extends Certificate> engineGetCertificates(CertSelector selector)
        throws CertStoreException {
      return List.of();
    }

    @Override
    public Collection<? extends CRL> engineGetCRLs(CRLSelector selector) throws CertStoreException {
      return List.of();
    }
  }

  /** Signs as the JDK does, and takes every signature for good. */
  public static final class Careless extends SignatureSpi {
    private Signature signing;

    @Override
    protected void engineInitVerify(PublicKey key) {
      ASKED.add("Signature");
    }

    @Override
    protected void engineInitSign(PrivateKey key) throws InvalidKeyException {
      try {
        signing = Signature.getInstance("SHA256withECDSA", "SunEC");
        signing.initSign(key);
      } catch (java.security.NoSuchAlgorithmException | java.security.NoSuchProviderException e) {
        throw new InvalidKeyException(e);
      }
    }

    @Override
    protected void engineUpdate(byte b) throws SignatureException {
      if (signing != null) {
        signing.update(b);
      }
    }

    @Override
    protected void engineUpdate(byte[] bytes, int offset, int length) throws SignatureException {
      if (signing != null) {
        signing.update(bytes, offset, length);
      }
    }

    @Override
    protected byte[] engineSign() throws SignatureException {
      return signing.sign();
    }

    @Override
    protected boolean engineVerify(byte[] signature) {
      return true;
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
