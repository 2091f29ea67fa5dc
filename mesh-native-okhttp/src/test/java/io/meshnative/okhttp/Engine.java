package io.meshnative.okhttp;

import io.meshnative.spi.TlsProvider;

/** The TLS engines that every test of calls runs on. */
enum Engine {
  JSSE,
  CONSCRYPT;

  TlsProvider provider() {
    return this == JSSE
        ? TlsProvider.jsse()
        : TlsProvider.of(org.conscrypt.Conscrypt.newProvider());
  }
}
