package io.meshnative.servlet;

import io.meshnative.spi.TlsProvider;

/** The TLS engines that both ends run on. */
enum Engine {
  JSSE {
    @Override
    TlsProvider provider() {
      return TlsProvider.jsse();
    }
  },
  CONSCRYPT {
    @Override
    TlsProvider provider() {
      return TlsProvider.of(org.conscrypt.Conscrypt.newProvider());
    }
  };

  abstract TlsProvider provider();
}
