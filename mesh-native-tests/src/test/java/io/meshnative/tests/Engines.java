package io.meshnative.tests;

import io.meshnative.MeshClient;
import io.meshnative.spi.TlsProvider;
import org.conscrypt.Conscrypt;

/** The TLS engines that safety tests run on, by name. */
final class Engines {
  private Engines() {}

  static MeshClient.Builder builder(String service, String provider) {
    return MeshClient.builder(service).tlsProvider(provider(provider));
  }

  static TlsProvider provider(String name) {
    return switch (name) {
      case "Conscrypt" -> TlsProvider.of(Conscrypt.newProvider());
      case "JSSE" -> TlsProvider.jsse();
      default -> throw new IllegalArgumentException("expected Conscrypt or JSSE, found " + name);
    };
  }
}
