package io.meshnative.grpc;

import io.meshnative.spi.TlsProvider;

/** The TLS engines that every test runs on. */
enum Engine {
  JSSE,
  CONSCRYPT;

  TlsProvider provider() {
    return this == JSSE
        ? TlsProvider.jsse()
        : TlsProvider.of(org.conscrypt.Conscrypt.newProvider());
  }
}
