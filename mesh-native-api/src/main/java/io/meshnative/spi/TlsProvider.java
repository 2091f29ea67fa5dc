package io.meshnative.spi;

import java.security.Provider;
import java.security.Security;
import java.util.Objects;

/**
 * The engine on which TLS runs.
 *
 * <p>Where none is chosen, the library takes Conscrypt (BoringSSL) if it is on the class path,
 * loads and passes a handshake with itself, else the JDK's own JSSE. A provider is used by
 * reference; it is never registered with {@link Security}.
 */
public interface TlsProvider {

  /**
   * Returns the name, for logs and status pages.
   *
   * @return a short name
   */
  String name();

  /**
   * Returns the security provider whose {@code SSLContext} is used.
   *
   * @return the provider; need not be registered
   */
  Provider provider();

  /**
   * Returns whether sessions are resumed where the application does not say. Resumption halves the
   * cost of a handshake on JSSE and gains nothing measurable on BoringSSL.
   *
   * @return the default
   */
  boolean resumesByDefault();

  /**
   * Runs TLS on a security provider, such as a FIPS-validated one.
   *
   * @param provider offers {@code SSLContext.TLS}; need not be registered
   * @return the TLS provider; it does not resume by default
   * @throws IllegalArgumentException if the provider offers no {@code SSLContext.TLS}
   */
  static TlsProvider of(Provider provider) {
    Objects.requireNonNull(provider, "provider");
    if (provider.getService("SSLContext", "TLS") == null) {
      throw new IllegalArgumentException(
          "expected a security provider that offers SSLContext.TLS, found "
              + provider.getName()
              + ", which does not");
    }
    boolean jsse = provider.getName().equals("SunJSSE");
    return new TlsProvider() {
      @Override
      public String name() {
        return provider.getName();
      }

      @Override
      public Provider provider() {
        return provider;
      }

      @Override
      public boolean resumesByDefault() {
        return jsse;
      }

      @Override
      public String toString() {
        return provider.getName() + " " + provider.getVersionStr();
      }
    };
  }

  /**
   * Runs TLS on the JDK's own JSSE.
   *
   * @return the TLS provider
   * @throws IllegalStateException if this JDK has no provider named SunJSSE
   */
  static TlsProvider jsse() {
    Provider provider = Security.getProvider("SunJSSE");
    if (provider == null) {
      throw new IllegalStateException(
          "expected the JDK's TLS provider SunJSSE, found none registered; choose one by TlsProvider.of(provider)");
    }
    return of(provider);
  }
}
