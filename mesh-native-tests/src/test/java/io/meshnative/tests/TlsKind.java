package io.meshnative.tests;

import io.meshnative.spi.TlsProvider;
import java.util.Optional;

/** On which engine TLS runs. */
enum TlsKind {
  /** The library's own choice where Conscrypt is on the class path, as it is here. */
  CONSCRYPT("Conscrypt"),
  JSSE("SunJSSE");

  /** As status pages call it. */
  final String shown;

  TlsKind(String shown) {
    this.shown = shown;
  }

  Optional<TlsProvider> provider() {
    return this == JSSE ? Optional.of(TlsProvider.jsse()) : Optional.empty();
  }
}
