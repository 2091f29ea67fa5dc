package io.meshnative.internal.tls;

import java.security.Provider;
import javax.net.ssl.SSLEngine;
import org.conscrypt.Conscrypt;

/** The only class that names Conscrypt; loading it fails where the jar is absent. */
final class ConscryptSupport {
  private ConscryptSupport() {}

  /**
   * Makes a provider that is not registered: with Conscrypt registered first, JSSE dies for the
   * life of the JVM. Throws {@link UnsatisfiedLinkError} where the native library does not load.
   */
  static Provider newProvider() {
    Conscrypt.checkAvailability();
    return Conscrypt.newProvider();
  }

  static void useTickets(SSLEngine engine) {
    Conscrypt.setUseSessionTickets(engine, true);
  }
}
