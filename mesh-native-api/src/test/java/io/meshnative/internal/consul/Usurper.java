package io.meshnative.internal.consul;

import java.security.InvalidAlgorithmParameterException;
import java.security.KeyStore;
import java.security.Provider;
import java.security.Security;
import java.util.Map;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactorySpi;
import javax.net.ssl.X509TrustManager;

/** A provider that an application put first: its trust manager believes everybody. */
final class Usurper extends Provider {
  private static final long serialVersionUID = 1L;

  private Usurper() {
    super("Usurper", "1", "believes everybody");
    putService(
        new Service(this, "TrustManagerFactory", "PKIX", Believer.class.getName(), null, Map.of()));
    for (String algorithm : new String[] {"TLS", "TLSv1.3", "Default"}) {
      putService(new Service(this, "SSLContext", algorithm, "no.such.Class", null, Map.of()));
    }
    putService(new Service(this, "CertificateFactory", "X.509", "no.such.Class", null, Map.of()));
    putService(new Service(this, "KeyManagerFactory", "SunX509", "no.such.Class", null, Map.of()));
  }

  static Usurper first() {
    Usurper usurper = new Usurper();
    Security.insertProviderAt(usurper, 1);
    return usurper;
  }

  void remove() {
    Security.removeProvider(getName());
  }

  /** Trust for everybody. */
  public static final class Believer extends TrustManagerFactorySpi {
    @Override
    protected void engineInit(KeyStore store) {}

    @Override
    protected void engineInit(ManagerFactoryParameters parameters)
        throws InvalidAlgorithmParameterException {
      throw new InvalidAlgorithmParameterException();
    }

    @Override
    protected TrustManager[] engineGetTrustManagers() {
      return new TrustManager[] {
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(java.security.cert.X509Certificate[] chain, String type) {}

          @Override
          public void checkServerTrusted(java.security.cert.X509Certificate[] chain, String type) {}

          @Override
          public java.security.cert.X509Certificate[] getAcceptedIssuers() {
            return new java.security.cert.X509Certificate[0];
          }
        }
      };
    }
  }
}
