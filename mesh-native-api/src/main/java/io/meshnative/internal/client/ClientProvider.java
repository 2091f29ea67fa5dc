package io.meshnative.internal.client;

import io.meshnative.MeshClient;
import io.meshnative.MeshClientProvider;

/** What the service loader finds. */
public final class ClientProvider implements MeshClientProvider {
  /** For the service loader. */
  public ClientProvider() {}

  @Override
  public MeshClient.Builder builder(String service) {
    return new ClientBuilder(service);
  }
}
