package io.meshnative.benchmarks;

import io.meshnative.spi.TlsProvider;
import org.conscrypt.Conscrypt;

/** The TLS providers that are compared, each with itself by hand. */
public enum Engine {
  /** BoringSSL, the library's default. */
  CONSCRYPT,
  /** The JDK's own. */
  JSSE;

  TlsProvider provider() {
    return this == CONSCRYPT ? TlsProvider.of(Conscrypt.newProvider()) : TlsProvider.jsse();
  }
}
